"""How a download tells those who watch it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have come and the length, None where not known."""


def tell_nobody(_done: int, _total: int | None) -> None:
    """Progress that nobody watches."""
