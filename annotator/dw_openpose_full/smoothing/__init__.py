"""Figures of a video: the same people followed, short gaps closed, jitter smoothed.

A frame's people are those of the frame before whose boxes overlap most, so that every person keeps
an id. Each point then runs through a Savitzky-Golay filter: a parabola is fitted to it over the
frames round each frame, and read at that frame. Half of those frames lie ahead, so nothing lags
behind, and a steady or evenly accelerated movement stays exactly as it is.
"""

from .smoother import DEFAULT_GAP, DEFAULT_WINDOW, Smoother, smoothed

__all__ = ["DEFAULT_GAP", "DEFAULT_WINDOW", "Smoother", "smoothed"]
