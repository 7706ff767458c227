"""The ``lite`` model: whole-body poses from networks small enough to ship.

The picture walks through one organ after another: ``persons`` finds boxes; ``reference`` reads 17
keypoints in each box and drops people found twice; ``opinion`` is a second network's; where people
overlap, ``neighbours`` paints the others over and both look once more; ``body`` joins the two and
adds feet; ``hands`` and ``face`` look where the body says; ``wholebody`` puts the 133 together.
``movenet``, ``nanodet`` and ``blazepose`` speak to the networks that several organs or several
passes share.
"""

from .persons import LitePersonDetector
from .wholebody import LiteEstimator

__all__ = ["LiteEstimator", "LitePersonDetector"]
