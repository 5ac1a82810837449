"""Splits, classifiers and predictions."""
