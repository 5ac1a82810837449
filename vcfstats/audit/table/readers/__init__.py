"""Files that hold tables, one reader a format; each returns the tables and the prose of a file, nothing judged."""
