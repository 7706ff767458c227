"""Data sets to learn from: published layouts, packed arrays, synthetic people; no torch."""
