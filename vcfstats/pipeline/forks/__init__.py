"""Defensible alternatives to the study's decisions: run, and told of as a specification curve."""
