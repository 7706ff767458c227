"""Videos in and out, a frame at a time: no more than a few frames are in memory at once.

``Video.of`` tells what a file holds; its ``frames`` are pictures with their numbers and times, all
of them or every Nth. ``VideoWriter`` writes such pictures, at the times they had. PyAV is loaded
when the first video is; the extra ``video`` installs it.
"""

from .failures import VideoError
from .reading import VIDEO_SUFFIXES, Frame, Video
from .writing import VideoWriter

__all__ = ["VIDEO_SUFFIXES", "Frame", "Video", "VideoError", "VideoWriter"]
