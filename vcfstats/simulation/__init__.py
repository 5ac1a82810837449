"""The simulated cohort."""
