"""One small module per DVC stage: read files and params, call the rooms above, write files."""
