"""From a network's logits to chances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..poses import FloatArray


def sigmoid(logits: NDArray[np.floating]) -> FloatArray:
    """Logits to 0..1, float32."""
    chances = 1 / (1 + np.exp(-np.clip(logits.astype(np.float32), -80, 80)))
    return np.asarray(chances, np.float32)
