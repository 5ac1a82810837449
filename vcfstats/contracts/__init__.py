"""The contracts between rooms: cohort, feature matrix, predictions, result records, and the error all of them end in."""
