"""What happens when parts of the page are used: from what a browser said to what it shows."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import Parameter, Signature
from typing import Any, Final

import gradio as gr

from ..errors import DwPoseError, OptionError, PoseJsonError
from ..generation import Family
from ..generation.families import family_named
from .config import DemoSettings
from .desk import Desk, Drawn
from .editing import MAX_CHARACTERS
from .fields import BY_FAMILY, FIELDS, MAKING, is_shown, limits_of, page_values, settings_of
from .onlooker import Onlooker, Stops

Said = Mapping[str, Any]
"""What a browser said, by the names of the API; of whatever type."""

SORRY: Final = "something went wrong here; the log of the demo says what"
_FOLDERS: Final = re.compile(r"(?<![\w:/\\.])(?:[A-Za-z]:)?(?:[\\/][^\\/\s:;,'\"()]+)+[\\/]")
_OWN_WORDS: Final = frozenset({"added_prompt", "negative_prompt"})

_log = logging.getLogger(__name__)


def named(
    work: Callable[[Any, Said], Any], names: list[str], added: type[Any] = gr.Request
) -> Callable[..., Any]:
    """A function whose parameters carry the names that the API shows; any may be left out.

    Args:
        work: Called with what gradio adds, and the inputs' values by name.
        names: Of the inputs.
        added: What gradio adds.
    """

    def handler(first: Any, *values: object) -> Any:  # noqa: ANN401  as gradio has it
        with in_public():
            return work(first, dict(zip(names, values, strict=True)))

    either = Parameter.POSITIONAL_OR_KEYWORD
    rest = [Parameter(name, either, default=None) for name in names]
    handler.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter("first", either, annotation=added), *rest]
    )
    handler.__annotations__ = {"first": added}
    handler.__name__ = work.__name__
    return handler


@contextmanager
def in_public() -> Iterator[None]:
    """Tell the user in one sentence what went wrong, and nothing about this machine.

    Raises:
        gr.Error: In place of any other error.
    """
    try:
        yield
    except DwPoseError as error:
        _log.info("refused: %s", error)
        raise gr.Error(sentence(error), title="", print_exception=False) from None
    except Exception:  # noqa: BLE001  a door: nobody reads a traceback
        _log.exception("a request failed")
        raise gr.Error(SORRY, title="", print_exception=False) from None


def sentence(error: DwPoseError) -> str:
    """An error's words without the folders of this machine, safe in a page."""
    return html.escape(_FOLDERS.sub("", str(error)), quote=False)


class Handlers:
    """One for each thing that a user can do; each keeps nothing."""

    def __init__(self, desk: Desk, stops: Stops) -> None:
        """Take the desk where the work is done, and what keeps account of it."""
        self._desk, self._stops = desk, stops

    # ---------------------------------------------------------------- reading and making

    def annotate(self, request: gr.Request, said: Said) -> tuple[Any, ...]:
        """Read the people of a picture: what ``shown`` gives, and JSON text."""
        with self._onlooker(request) as onlooker:
            photo = self._desk.upload(said["image"])
            drawn = self._desk.annotate(photo, settings_of(said), onlooker)
        return (*shown(drawn), drawn.text)

    def generate(self, request: gr.Request, said: Said) -> tuple[Any, ...]:
        """Make pictures: the gallery and a note."""
        with self._onlooker(request) as onlooker:
            photo, settings = self._desk.upload(said["image"]), settings_of(said)
            pose, leave_out = said["pose_json"], said["leave_out"]
            gallery = self._desk.generate(photo, pose, leave_out, settings, onlooker)
        return [(str(path), words) for path, words in gallery.pictures], note(gallery.note)

    def go_on(self, request: gr.Request, said: Said) -> Any:  # noqa: ANN401  of gradio
        """Make pictures after a pose was read, if there is a prompt."""
        prompt = said["prompt"]
        if self._desk.studio.missing or not isinstance(prompt, str) or not prompt.strip():
            return gr.skip()
        return self.generate(request, said)

    def cancel(self, request: gr.Request, _said: Said) -> str:
        """Stop what runs for a user, and what waits for its turn."""
        stopped = self._stops.stop(_user(request))
        return note(
            "stopped, as asked"
            if stopped
            else "nothing of yours runs now; what waits for its turn ends when that comes"
        )

    def leave(self, request: gr.Request, _said: Said) -> None:
        """Stop what nobody waits for any more: the page was closed, or loaded anew."""
        self._stops.stop(_user(request))

    @contextmanager
    def _onlooker(self, request: gr.Request) -> Iterator[Onlooker]:
        """Who waits for this request."""
        progress = gr.Progress()

        def tell(share: float, words: str) -> None:
            progress(share, desc=words)

        with self._stops.of(_user(request), request.state.asked) as stop:
            onlooker = Onlooker(tell, stop)
            onlooker.hear(0.0, "starting")  # who has stopped while waiting is not let in
            yield onlooker

    # ---------------------------------------------------------------- editing

    def render(self, _request: gr.Request, said: Said) -> tuple[Any, ...]:
        """Draw a pose of JSON, or some of its people."""
        return self._redrawn(said, said["pose_json"], said["leave_out"])

    def click(self, event: gr.SelectData, said: Said) -> tuple[Any, ...]:
        """Leave out the person at a pixel, or take them in again."""
        x, y = event.index
        text = said["pose_json"]
        leave_out = self._desk.toggle(text, said["leave_out"], (float(x), float(y)))
        if leave_out is None:
            return only_note("nobody is near that place")
        return self._redrawn(said, text, leave_out)

    def type(self, request: gr.Request, said: Said) -> tuple[Any, ...]:
        """Draw what is being typed; the last figure stays while it makes no sense."""
        try:
            return self.render(request, said)
        except PoseJsonError as error:
            return only_note(sentence(error), wrong=True)

    def upload(self, _request: gr.Request, said: Said) -> tuple[Any, ...]:
        """Draw the pose of a file: what ``shown`` gives, and JSON text."""
        file = self._desk.upload(said["file"])
        if file is None:
            raise PoseJsonError("there is no file; choose one")
        with file.path.open("rb") as opened:
            text = opened.read(MAX_CHARACTERS + 1).decode("utf-8-sig", errors="replace")
        return (*self._redrawn(said, text, []), text)

    def restyle(self, request: gr.Request, said: Said) -> Any:  # noqa: ANN401  of gradio
        """Draw the pose anew, if there is one."""
        text = said["pose_json"]
        return self.render(request, said) if isinstance(text, str) and text.strip() else gr.skip()

    def forget(self, _request: gr.Request, _said: Said) -> tuple[Any, ...]:
        """Clear what belonged to the last picture: what ``shown`` gives, JSON text, gallery."""
        nobody = gr.CheckboxGroup(choices=[], value=[])
        return None, None, nobody, None, note("press Run"), "", None

    def _redrawn(self, said: Said, text: object, leave_out: object) -> tuple[Any, ...]:
        photo = self._desk.upload(said["image"])
        return shown(self._desk.render(photo, text, leave_out, settings_of(said)))

    # ---------------------------------------------------------------- settings

    def save(self, _request: gr.Request, said: Said) -> Any:  # noqa: ANN401  of gradio
        """A settings file to be fetched."""
        return gr.File(str(self._desk.settings_file(settings_of(said))), visible=True)

    def load(self, _request: gr.Request, said: Said) -> list[Any]:
        """All inputs as a settings file has them."""
        file = self._desk.upload(said["file"])
        if file is None:
            raise OptionError("there is no file; choose one")
        settings = DemoSettings.read(file.path)
        if settings.family not in self._desk.studio.families:
            raise OptionError(f"{file.name}: family {settings.family} is not offered here")
        family, values = family_named(settings.family), page_values(settings)
        return [self._changed(field.name, values, family) for field in FIELDS]

    def take_family(self, _request: gr.Request, said: Said) -> list[Any]:
        """Inputs of ``MAKING`` but the first, as another family has them."""
        family = family_named(said["family"])
        values = page_values(DemoSettings(family=family.name))
        return [
            self._changed(field.name, values, family, keep=field.name in _OWN_WORDS)
            for field in MAKING[1:]
        ]

    def take_scheduler(self, _request: gr.Request, said: Said) -> Any:  # noqa: ANN401  of gradio
        """Whether DDIM's input is of use."""
        family = family_named(said["family"])
        return self._changed("eta", {"scheduler": said["scheduler"]}, family, keep=True)

    def _changed(self, name: str, values: Said, family: Family, *, keep: bool = False) -> Any:  # noqa: ANN401
        """How an input is for a family; with a new value unless it is kept."""
        field = next(row for row in FIELDS if row.name == name)
        scheduler = str(values.get("scheduler", BY_FAMILY))
        makes = not self._desk.studio.missing
        change: dict[str, Any] = {"visible": is_shown(field, family, scheduler, makes=makes)}
        if not keep:
            change["value"] = values[name]
        if name == "resolution":
            least, most, step = limits_of(field, family)
            change |= {"minimum": least, "maximum": most, "step": step}
        return gr.update(**change)


def shown(drawn: Drawn) -> tuple[Any, ...]:
    """A pose for figure, overlay, list of people, file and note."""
    return (
        str(drawn.figure),
        None if drawn.overlay is None else str(drawn.overlay),
        gr.CheckboxGroup(choices=drawn.people, value=drawn.left_out),
        str(drawn.document),
        note(drawn.note),
    )


def only_note(words: str, *, wrong: bool = False) -> tuple[Any, ...]:
    """A sentence, while the rest of ``shown`` stays as it is; a wrong one is escaped already."""
    text = f'<p class="wrong">{words}</p>' if wrong else note(words)
    return gr.skip(), gr.skip(), gr.skip(), gr.skip(), text


def note(words: str) -> str:
    """A sentence for the line above the figure."""
    return f"<p>{html.escape(words)}</p>"


def _user(request: gr.Request) -> str:
    """One open page, or one client."""
    return str(getattr(request, "session_hash", "") or "")
