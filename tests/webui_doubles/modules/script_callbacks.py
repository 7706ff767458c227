"""Extensions' functions that the host calls later."""

from __future__ import annotations

from collections.abc import Callable

_settings: list[Callable[[], None]] = []


def on_ui_settings(callback: Callable[[], None], *, name: str | None = None) -> None:
    _settings.append(callback)


def clear_callbacks() -> None:
    _settings.clear()


def ui_settings_callback() -> None:
    for callback in _settings:
        callback()
