"""Videos annotated: people found and followed, their figures smoothed, a figure video and JSON.

``reading`` finds the people of each frame and reads their poses; ``journal`` keeps those, so that
an interrupted run goes on; ``annotating`` makes smooth figures of them, a video and a
``document``. Nothing grows with the length of a video but files.
"""

from .annotating import ClipAnnotator, smoother_for
from .document import FramesDocument
from .reading import ClipReader

__all__ = ["ClipAnnotator", "ClipReader", "FramesDocument", "smoother_for"]
