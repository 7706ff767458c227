"""What ControlNet's annotators share."""

import numpy as np
from numpy.typing import NDArray


def three_channels(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
