"""What stands where on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gradio as gr
from pydantic import ValidationError

from ..generation import Family
from ..generation.families import family_named
from .config import MAX_TEXT, DemoSettings
from .fields import (
    BY_FAMILY,
    DRAWING,
    FIRST,
    MAKING,
    READING,
    Field,
    Kind,
    is_shown,
    limits_of,
    page_values,
)
from .rooms import NOT_SENT

TITLE: Final = "DW OpenPose full"
HEAD: Final = f"""# {TITLE}
Whole-body poses from a photo, and new pictures in the same pose. It all happens on this machine.
"""
SAMPLE: Final = Path(__file__).resolve().parents[3] / "docs" / "sample.jpg"
"""A picture that a checkout has, and an installed package has not."""
PROMPTS: Final = ("", "an astronaut on the moon", "a bronze statue in a park, morning light")

# gradio's own are fetched from Google
FONTS: Final = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
CODE_FONTS: Final = ("ui-monospace", "Consolas", "monospace")
CSS: Final = """
.gradio-container { max-width: 1440px !important; margin: auto; }
#note p { margin: 0; min-height: 3.2em; }
#note .error { display: none; }  /* a message says more */
#note .wrong { color: #b42318; font-weight: 600; }
.dark #note .wrong { color: #fda29b; }
#notice p { border-left: 4px solid #f79009; margin: 0; padding: .4em .8em; }
#figure img, #overlay img { cursor: pointer; }
#pose_json .cm-editor { max-height: 28em; }
"""


@dataclass(frozen=True, eq=False)
class Layout:
    """The parts of the page that events read or change; ``fields`` by the names of ``FIELDS``."""

    fields: dict[str, Any]
    photo: Any
    run: Any
    generate: Any
    cancel: Any
    note: Any
    figure: Any
    overlay: Any
    leave_out: Any
    gallery: Any
    pose_json: Any
    pose_file: Any
    pose_upload: Any
    settings_file: Any
    settings_upload: Any
    settings_save: Any


def lay_out(settings: DemoSettings, families: Sequence[Family], notice: str) -> Layout:
    """Put everything in its place, within ``gr.Blocks``.

    Args:
        settings: What the inputs show at first.
        families: Image models to choose from; none where no pictures can be made.
        notice: What the user should know from the start; empty for nothing.
    """
    parts: dict[str, Any] = {}
    makes = bool(families)
    gr.Markdown(HEAD)
    if notice:
        gr.HTML(f"<p>{notice}</p>", elem_id="notice")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            fields = _inputs(parts, settings, families)
        with gr.Column(scale=3, min_width=320):
            _outputs(parts, makes=makes)
    if SAMPLE.is_file():
        rows = [[str(SAMPLE), prompt] for prompt in (PROMPTS if makes else PROMPTS[:1])]
        gr.Examples(
            rows, [parts["photo"], fields["prompt"]], label="Examples", api_visibility="private"
        )
    for name in ("photo", "pose_upload", "settings_upload"):
        _take_files_only(parts[name])
    return Layout(fields, **parts)


def _take_files_only(part: Any) -> None:  # noqa: ANN401  of gradio
    """Answer in one sentence what is no file: gradio checks it before us, and has no words."""

    class Sent(part.data_model):  # type: ignore[misc]
        @classmethod
        def model_validate(cls, said: object, **how: object) -> object:
            try:
                return super().model_validate(said, **how)
            except ValidationError:
                raise gr.Error(NOT_SENT, title="", print_exception=False) from None

    part.data_model = Sent


def _inputs(
    parts: dict[str, Any], settings: DemoSettings, families: Sequence[Family]
) -> dict[str, Any]:
    """The left side."""
    makes = bool(families)
    parts["photo"] = gr.Image(
        label="image", type="filepath", sources=["upload", "clipboard"], height=320,
        elem_id="photo",
    )  # fmt: skip
    maker = _Inputs(settings, families)
    maker.put("prompt")
    with gr.Row():
        parts["run"] = gr.Button("Run", variant="primary", elem_id="run", min_width=90)
        parts["generate"] = gr.Button("Generate", visible=makes, elem_id="generate", min_width=90)
        parts["cancel"] = gr.Button("Cancel", variant="stop", elem_id="cancel", min_width=90)
    with gr.Row():
        maker.put("images")
        maker.put("seed")
    with gr.Row():
        maker.put("processor")
        maker.put("preprocessor")
    with gr.Accordion("Advanced options", open=False, elem_id="advanced"):
        for title, group in (
            ("Figure", DRAWING),
            ("Pictures", MAKING),
            ("Pose, from the next Run on", READING),
        ):
            with gr.Group(visible=makes or group is not MAKING):
                gr.Markdown(f"&nbsp; **{title}**")
                for pair in zip(group[::2], group[1::2], strict=True):
                    with gr.Row():
                        for field in pair:
                            maker.put(field.name)
        with gr.Row():
            parts["settings_save"] = gr.Button("Save settings", size="sm", elem_id="save_settings")
            parts["settings_upload"] = gr.UploadButton(
                "Load settings", file_types=[".json"], size="sm", elem_id="load_settings"
            )
        parts["settings_file"] = gr.File(
            label="Settings", visible=False, interactive=False, elem_id="settings_file"
        )
    return maker.made


def _outputs(parts: dict[str, Any], *, makes: bool) -> None:
    """The right side."""
    parts["note"] = gr.HTML("<p>choose a picture, and press Run</p>", label="note", elem_id="note")
    with gr.Row():
        for name, label in (("figure", "Figure"), ("overlay", "Photo with overlay")):
            parts[name] = gr.Image(
                label=label, type="filepath", format="png", interactive=False, height=380,
                min_width=240, buttons=["download", "fullscreen"], elem_id=name,
            )  # fmt: skip
    parts["leave_out"] = gr.CheckboxGroup(
        [], label="Leave out", elem_id="leave_out",
        info="Click a person in one of the pictures, or here; again to take them in",
    )  # fmt: skip
    with gr.Tabs(selected="pictures" if makes else "pose"):
        with gr.Tab("Pictures", id="pictures", visible=makes):
            parts["gallery"] = gr.Gallery(
                label="Pictures", columns=3, height=340, object_fit="contain",
                interactive=False, format="png", elem_id="gallery",
            )  # fmt: skip
        with gr.Tab("Pose as JSON", id="pose", elem_id="pose_tab"):
            gr.Markdown("Edit it or paste another: it is drawn at once.")
            with gr.Row():
                parts["pose_file"] = gr.DownloadButton(
                    "Download JSON", size="sm", elem_id="download_json"
                )
                parts["pose_upload"] = gr.UploadButton(
                    "Upload JSON", file_types=[".json"], size="sm", elem_id="upload_json"
                )
            parts["pose_json"] = gr.Code(
                "", language="json", label="OpenPose JSON",
                lines=14, max_lines=24, interactive=True, wrap_lines=True, elem_id="pose_json",
            )  # fmt: skip


class _Inputs:
    """Makes the widgets of fields, with the values of settings."""

    def __init__(self, settings: DemoSettings, families: Sequence[Family]) -> None:
        self._family = family_named(settings.family)
        self._families = families
        self._values = page_values(settings)
        self._fields = {field.name: field for field in (*FIRST, *DRAWING, *MAKING, *READING)}
        self.made: dict[str, Any] = {}

    def put(self, name: str) -> None:
        """Make a field's widget here."""
        field, value = self._fields[name], self._values[name]
        makes = bool(self._families)
        visible = is_shown(field, self._family, self._scheduler, makes=makes)
        common = {
            "label": field.label, "value": value, "visible": visible, "elem_id": field.name,
        }  # fmt: skip
        if field.info:
            common["info"] = field.info
        self.made[name] = self._widget(field, common)

    @property
    def _scheduler(self) -> str:
        return str(self._values.get("scheduler", BY_FAMILY))

    def _widget(self, field: Field, common: dict[str, Any]) -> Any:  # noqa: ANN401  of gradio
        """The widget for a kind of field."""
        choices = list(field.choices)
        if field.kind is Kind.TEXT:
            common["max_length"] = MAX_TEXT
            return gr.Textbox(lines=2, **common)
        if field.kind is Kind.SWITCH:
            return gr.Checkbox(**common)
        if field.kind is Kind.SLIDER:
            least, most, step = limits_of(field, self._family)
            return gr.Slider(least, most, step=step, **common)
        if field.kind is Kind.RADIO:
            return gr.Radio(choices, **common)
        if field.kind is Kind.CHECKS:
            return gr.CheckboxGroup(choices, **common)
        if field.name == "family":
            choices = [(family.title, family.name) for family in self._families] or choices
        return gr.Dropdown(choices, **common)
