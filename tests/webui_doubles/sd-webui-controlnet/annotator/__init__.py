"""A regular package, which hides every other `annotator`."""
