"""The page: which part does what, and the API of the same names."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any, Final

import gradio as gr

from .config import DemoSettings
from .desk import Desk
from .fields import FIELDS, MAKING
from .handlers import Handlers, named
from .layout import TITLE, Layout, lay_out
from .making import without_pictures
from .onlooker import Stops

_NAMES: Final = [field.name for field in FIELDS]
_POSE: Final = ["image", "pose_json", "leave_out", *_NAMES]

# what is short, and not worth a place in the queue
_AT_ONCE: Final[dict[str, Any]] = {
    "preprocess": False, "queue": False, "show_progress": "hidden",
}  # fmt: skip
# what is short, but should not come a hundredfold; the last of many clicks counts
_QUICK: Final[dict[str, Any]] = {
    "preprocess": False, "concurrency_limit": 2, "concurrency_id": "drawing",
    "trigger_mode": "always_last", "show_progress": "hidden",
}  # fmt: skip
_PRIVATE: Final[dict[str, Any]] = {"api_visibility": "private"}


def build(desk: Desk, stops: Stops, settings: DemoSettings) -> gr.Blocks:
    """Make the page.

    Args:
        desk: Does the work.
        stops: Keeps account of it.
        settings: What the inputs show at first.
    """
    missing = desk.studio.missing
    families = [] if missing else list(desk.studio.families.values())
    if settings.family not in desk.studio.families:
        settings = replace(settings, family=next(iter(desk.studio.families)))
    notice = html.escape(without_pictures(missing)) if missing else ""
    page = _Page(title=TITLE, analytics_enabled=False, fill_width=True)
    with page:
        layout, handlers = lay_out(settings, families, notice), Handlers(desk, stops)
        _connect_work(layout, handlers)
        _connect_editing(layout, handlers)
        _connect_settings(layout, handlers)
        page.unload(named(handlers.leave, []))
    return page


class _Page(gr.Blocks):  # type: ignore[misc]
    """Gradio's page, whose words for too few values are a traceback of its own."""

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:  # noqa: ANN401  of gradio
        """Answer in one sentence what brings too few values.

        Raises:
            gr.Error: If there are too few.
        """
        try:
            super().validate_inputs(block_fn, inputs)
        except ValueError:
            raise gr.Error(
                f"expected {len(block_fn.inputs)} values, got {len(inputs)}; send them all, in "
                "the order that the API lists",
                title="",
                print_exception=False,
            ) from None


def _connect_work(at: Layout, do: Handlers) -> None:
    """Run, Generate, Cancel."""
    pictures = [at.gallery, at.note]
    reading = at.run.click(
        named(do.annotate, ["image", *_NAMES]),
        [at.photo, *_inputs(at)],
        [*_drawn(at), at.pose_json],
        api_name="annotate",
        api_description="Read the people of a picture and draw them.",
        **_work(at, "reading"),
    )
    going_on = reading.success(
        named(do.go_on, _POSE), _pose(at), pictures, **_work(at, "making"), **_PRIVATE
    )
    making = at.generate.click(
        named(do.generate, _POSE),
        _pose(at),
        pictures,
        api_name="generate",
        api_description="Make pictures of a pose; of the image's where none is given.",
        **_work(at, "making"),
    )
    at.cancel.click(
        named(do.cancel, []),
        None,
        at.note,
        api_name="cancel",
        api_description="Stop what runs for you, and what waits.",
        cancels=[reading, going_on, making],
        **_AT_ONCE,
    )


def _connect_editing(at: Layout, do: Handlers) -> None:
    """People left out, JSON typed and uploaded, figures drawn in another way."""
    pose, drawn = _pose(at), _drawn(at)
    at.leave_out.input(
        named(do.render, _POSE),
        pose,
        drawn,
        api_name="render",
        api_description="Draw a pose of JSON, or some of its people.",
        **_QUICK,
    )
    for picture in (at.figure, at.overlay):
        clicked = named(do.click, _POSE, gr.SelectData)
        picture.select(clicked, pose, drawn, **_QUICK, **_PRIVATE)
    at.pose_json.input(named(do.type, _POSE), pose, drawn, **_QUICK, **_PRIVATE)
    at.pose_upload.upload(
        named(do.upload, ["file", *_POSE]),
        [at.pose_upload, *pose],
        [*drawn, at.pose_json],
        **_QUICK,
        **_PRIVATE,
    )
    for name in ("style", "parts", "preprocessor", "family"):
        at.fields[name].input(named(do.restyle, _POSE), pose, drawn, **_QUICK, **_PRIVATE)
    everything = [*drawn, at.pose_json, at.gallery]
    at.photo.change(named(do.forget, []), None, everything, **_AT_ONCE, **_PRIVATE)


def _connect_settings(at: Layout, do: Handlers) -> None:
    """Settings as a file, and inputs that depend on others."""
    inputs, family = _inputs(at), at.fields["family"]
    at.settings_save.click(
        named(do.save, _NAMES),
        inputs,
        at.settings_file,
        api_name="settings",
        api_description="These settings as a file, for a batch or another day.",
        **_QUICK,
    )
    at.settings_upload.upload(
        named(do.load, ["file"]), [at.settings_upload], inputs, **_QUICK, **_PRIVATE
    )
    making = [at.fields[field.name] for field in MAKING[1:]]
    family.input(named(do.take_family, ["family"]), [family], making, **_AT_ONCE, **_PRIVATE)
    scheduler = at.fields["scheduler"]
    scheduler.input(
        named(do.take_scheduler, ["family", "scheduler"]),
        [family, scheduler],
        at.fields["eta"],
        **_AT_ONCE,
        **_PRIVATE,
    )


def _inputs(at: Layout) -> list[Any]:
    """The parts whose values are ``_NAMES``."""
    return [at.fields[name] for name in _NAMES]


def _pose(at: Layout) -> list[Any]:
    """The parts whose values are ``_POSE``."""
    return [at.photo, at.pose_json, at.leave_out, *_inputs(at)]


def _drawn(at: Layout) -> list[Any]:
    """The parts that ``handlers.shown`` fills."""
    return [at.figure, at.overlay, at.leave_out, at.pose_file, at.note]


def _work(at: Layout, kind: str) -> dict[str, Any]:
    """How long work is queued: one of its kind at a time."""
    return {
        "preprocess": False,  # all values are checked by us, as those of a settings file
        "concurrency_limit": 1,
        "concurrency_id": kind,
        "show_progress_on": at.note,
    }
