"""The list of preprocessors: the later one of a name wins, silently."""

from __future__ import annotations

from typing import Any

supported_preprocessors: dict[str, Any] = {}


def add_supported_preprocessor(preprocessor: Any) -> None:
    supported_preprocessors[preprocessor.name] = preprocessor
