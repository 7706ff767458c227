"""Frames of a video, in and out."""
