"""Mannequins: pictures of people made by a program that knows where each of their keypoints is.

Dolls with a body, clothes, a face of 68 points, hands that curl and feet, in rooms with clutter,
light, grain and things before them. Made for tests that learn: small, free of rights, and the same
from the same seed. Only numpy draws them.
"""

from __future__ import annotations

from .scene import Person, Scene, random_scene
from .writing import Plan, write_mannequins

__all__ = ["Person", "Plan", "Scene", "random_scene", "write_mannequins"]
