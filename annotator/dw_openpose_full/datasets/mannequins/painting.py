"""Flesh: parts of rounded, shaded capsules, painted from far to near.

Colours are 0..255 as float32 while a picture is being made. Nothing but numpy: a drawing library's
edges would differ between its versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...poses import FloatArray, ImageSize
from ...skeleton import Rgb

Numbers = NDArray[np.float64]

SHADE: Final = 0.55
"""Brightness of what the light does not reach."""
THINNEST: Final = 0.5  # radius in pixels; what is thinner would fall between the pixels


@dataclass(frozen=True, eq=False)
class Layer:
    """Capsules of one colour that make one shape.

    Attributes:
        starts: ``(S, 2)``, ``(x, y)`` in pixels of the picture.
        ends: ``(S, 2)``.
        radii: ``(S, 2)``, at the start and at the end, in pixels.
        colour: Under full light.
    """

    starts: Numbers
    ends: Numbers
    radii: Numbers
    colour: Rgb

    @classmethod
    def chain(cls, points: Numbers, radius: float, colour: Rgb, *, closed: bool = False) -> Layer:
        """A line of even width through points ``(N, 2)``."""
        ends = np.roll(points, -1, axis=0)
        count = len(points) if closed else len(points) - 1
        return cls(points[:count], ends[:count], np.full((count, 2), radius), colour)

    def extent(self) -> tuple[Numbers, Numbers]:
        """Top-left and bottom-right corner."""
        first, last = self.radii.T[:, :, None]
        low = np.minimum(self.starts - first, self.ends - last).min(axis=0)
        high = np.maximum(self.starts + first, self.ends + last).max(axis=0)
        return low, high


def joined(*layers: Layer) -> Layer:
    """The shape that layers of one colour make together."""
    return Layer(
        np.concatenate([layer.starts for layer in layers]),
        np.concatenate([layer.ends for layer in layers]),
        np.concatenate([layer.radii for layer in layers]),
        layers[0].colour,
    )


@dataclass(eq=False)
class Canvas:
    """A picture under way.

    Attributes:
        colours: ``(H, W, 3)`` float32.
        tops: ``(H, W)`` int32, the number of the part that lies on top; 0 is the background.
        light: ``(3,)``, direction to the light, of length 1.
    """

    colours: FloatArray
    tops: NDArray[np.int32]
    light: Numbers

    @classmethod
    def of(cls, colours: FloatArray, light: Numbers) -> Canvas:
        """A canvas with nothing but a background."""
        return cls(colours, np.zeros(colours.shape[:2], np.int32), light)

    @property
    def size(self) -> ImageSize:
        """Size of the picture."""
        return ImageSize.of(self.colours)

    def paint_(self, layer: Layer, number: int) -> None:
        """Paint a layer of the part of a number, larger than those of all parts behind it."""
        rows, columns = self._window(layer)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        window = rows, columns
        cover, normal = _surface(layer, rows, columns)
        lit = SHADE + (1 - SHADE) * np.clip(np.tensordot(self.light, normal, 1), 0, None)
        paint = np.asarray(layer.colour) * lit[..., None]
        behind = self.colours[window]
        self.colours[window] = behind + cover[..., None] * (paint - behind)
        self.tops[window][cover > 0.4] = number

    def _window(self, layer: Layer) -> tuple[slice, slice]:
        """Rows and columns that the layer reaches."""
        low, high = layer.extent()
        last = np.array(self.size[::-1])
        left, top = np.clip(np.floor(low) - 1, 0, last).astype(int)
        right, bottom = np.clip(np.ceil(high) + 2, 0, last).astype(int)
        return slice(int(top), int(bottom)), slice(int(left), int(right))


def _surface(layer: Layer, rows: slice, columns: slice) -> tuple[Numbers, Numbers]:
    """How much of each pixel is covered ``(h, w)``, and the surface's normal there ``(3, h, w)``.

    A pixel belongs to the capsule that it lies deepest in.
    """
    y, x = np.mgrid[rows, columns].astype(np.float64)
    way = (layer.ends - layer.starts)[:, :, None, None]
    away_x = x - layer.starts[:, 0, None, None]
    away_y = y - layer.starts[:, 1, None, None]
    square = np.maximum((way**2).sum(axis=1), 1e-9)
    along = np.clip((away_x * way[:, 0] + away_y * way[:, 1]) / square, 0, 1)
    away_x -= along * way[:, 0]
    away_y -= along * way[:, 1]
    first, last = np.maximum(layer.radii, THINNEST).T[:, :, None, None]
    radius = first + along * (last - first)
    inside = radius - np.hypot(away_x, away_y)
    everything = np.stack([away_x, away_y, radius, inside])
    deepest = inside.argmax(axis=0)[None, None]
    away_x, away_y, radius, inside = np.take_along_axis(everything, deepest, axis=1)[:, 0]
    across, down = away_x / radius, away_y / radius
    ahead = -np.sqrt(np.clip(1 - across**2 - down**2, 0, None))
    return np.clip(inside + 0.5, 0, 1), np.stack([across, down, ahead])
