"""Keeping onnxruntime to itself.

From 1.32 on, importing it starts a thread that writes to the user's cache and sends events to its
makers, unless this variable is set at that moment; asking it to stop later comes too late.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NO_TELEMETRY: Final = "ORT_DISABLE_TELEMETRY"


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Set the variable while onnxruntime is imported; the user's own setting stays."""
    is_ours = NO_TELEMETRY not in os.environ
    os.environ.setdefault(NO_TELEMETRY, "1")
    try:
        yield
    finally:
        if is_ours:
            del os.environ[NO_TELEMETRY]
