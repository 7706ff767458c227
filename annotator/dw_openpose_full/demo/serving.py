"""The demo as a server: on this machine, for this machine, and gone without a trace."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..errors import DependencyError, OptionError
from ..generation import Models
from .annotating import Reader
from .config import DemoSettings
from .desk import UPLOAD_BYTES, Desk
from .gate import Gate
from .making import Studio
from .onlooker import Stops
from .rooms import Room

HOST: Final = "127.0.0.1"
MOST_WAITING: Final = 64
"""Requests in the queue; who comes later is told at once that the demo is busy."""

PORTS: Final = range(7860, 7960)
"""One of these is taken where none is asked for."""

_LOOPBACK: Final = frozenset({HOST, "localhost", "[::1]"})
_PATIENCE: Final = 10.0  # seconds that work may take to end with the demo: a step, the free memory
_SESSIONS: Final = 64  # of which gradio keeps the state of the page; ours keeps none
_FOLDER_VARIABLE: Final = "GRADIO_TEMP_DIR"
_EXTRA: Final = 'pip install "dw-openpose-full[demo]"'

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Served:
    """A demo that answers.

    Attributes:
        address: Where.
        desk: Who does the work.
    """

    address: str
    desk: Desk


def serve(  # noqa: PLR0913  one argument for each choice of the command
    settings: DemoSettings,
    *,
    port: int | None,
    host: str = HOST,
    models: Models | None = None,
    device: str = "auto",
    offline: bool = False,
    open_browser: bool = False,
    settings_file: Path | None = None,
    reader: Reader | None = None,
    tell: Callable[[str], None] = _log.info,
) -> None:
    """Answer until the process is asked to end.

    Args:
        settings: What the page's inputs show at first.
        port: Where to listen; a free one of ``PORTS`` where ``None``.
        host: Who may come; this machine alone by default.
        models: The only image models to be used, in place of the families' own.
        device: Shown first, where the settings leave it open.
        offline: Fetch nothing.
        open_browser: Open the page in a browser.
        settings_file: Where the settings came from; a user's own are offered under its name.
        reader: Reads poses, in place of the zoo's models.
        tell: Told where the page is.

    Raises:
        DependencyError: If gradio is not installed.
        OptionError: If nobody can listen there.
    """
    if settings.device == "auto":
        settings = replace(settings, device=device)
    reader, studio = reader or Reader(offline=offline), Studio(models, offline=offline)
    name = settings_file.name if settings_file else "settings.json"
    with running(
        settings, reader, studio, host=host, port=port, open_browser=open_browser, file_name=name
    ) as served:
        tell(f"the page is at {served.address} (Ctrl-C ends it)")
        _wait()


@contextmanager
def running(  # noqa: PLR0913  as above
    settings: DemoSettings,
    reader: Reader,
    studio: Studio,
    *,
    host: str = HOST,
    port: int | None = None,
    open_browser: bool = False,
    file_name: str = "settings.json",
) -> Iterator[Served]:
    """Answer while the block runs.

    Raises:
        DependencyError: If gradio is not installed.
        OptionError: If nobody can listen there.
    """
    with ExitStack() as at_the_end:  # the last of these is done first
        room, stops = Room(), Stops()
        at_the_end.callback(room.close)
        at_the_end.enter_context(_gradios_folder(room.folder))
        desk = Desk(room, reader, studio, settings_name=file_name)
        page = build(desk, stops, settings)
        at_the_end.callback(_close, page)
        # a thread that is within torch when the interpreter ends brings it down
        at_the_end.callback(stops.end, _PATIENCE)
        yield Served(_launch(page, room, host, port, open_browser=open_browser), desk)


def build(desk: Desk, stops: Stops, settings: DemoSettings) -> Any:  # noqa: ANN401  gr.Blocks
    """The page as gradio's app.

    Raises:
        DependencyError: If gradio is not installed.
    """
    try:
        from . import page  # loads gradio
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "gradio":
            raise
        raise DependencyError(f"the page needs gradio, which is not installed: {_EXTRA}") from error
    return page.build(desk, stops, settings)


def _launch(page: Any, room: Room, host: str, port: int | None, *, open_browser: bool) -> str:  # noqa: ANN401
    """Listen; returns the address."""
    import gradio as gr
    from starlette.middleware import Middleware

    from .layout import CODE_FONTS, CSS, FONTS

    host = host.strip("[]") or HOST
    gate = Middleware(Gate, room=room, upload_bytes=UPLOAD_BYTES, hosts=names_of(host))
    port = free_port(host, port)
    page.queue(max_size=MOST_WAITING)
    try:
        _, address, _ = page.launch(
            server_name=_in_address(host),
            server_port=port,
            share=False,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,  # ours are shown, nobody else's
            max_file_size=UPLOAD_BYTES,
            state_session_capacity=_SESSIONS,
            app_kwargs={"middleware": [gate], "docs_url": None, "redoc_url": None},
            footer_links=["api", "settings"],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            theme=gr.themes.Default(font=FONTS, font_mono=CODE_FONTS),
            css=CSS,
        )
    except OSError as error:
        raise OptionError(f"port {port} of {host} is taken; choose another with --port") from error
    return str(address)


def names_of(host: str) -> frozenset[str]:
    """Names that a server goes by which no other machine can reach; empty where one can.

    Args:
        host: A name, or an address without brackets.
    """
    try:
        is_own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = host == "localhost"
    return _LOOPBACK | {_in_address(host)} if is_own else frozenset()


def _in_address(host: str) -> str:
    """A host as an address of a page has it."""
    return f"[{host}]" if ":" in host else host


def free_port(host: str, port: int | None) -> int:
    """A port that nobody has yet: that one, or the first of ``PORTS``.

    Raises:
        OptionError: If there is none, or no server can be at the host.
    """
    for number in PORTS if port is None else (port,):
        try:
            for name in (HOST, host):  # gradio wants it free on the first, wherever it listens
                family = socket.AF_INET6 if ":" in name else socket.AF_INET
                socket.create_server((name, number), family=family).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                reason = str(error.strerror).partition(" (")[0]  # we name the place ourselves
                raise OptionError(
                    f"no server can be at {host}, port {number}: {reason}; "
                    "choose others with --host and --port"
                ) from error
        else:
            return number
    taken = f"ports {PORTS[0]} to {PORTS[-1]}" if port is None else f"port {port}"
    raise OptionError(f"somebody listens at {taken} of {host} already; choose another with --port")


@contextmanager
def _gradios_folder(folder: Path) -> Iterator[None]:
    """Have gradio put its files into a folder; the environment is its one way to be told."""
    before = os.environ.get(_FOLDER_VARIABLE)
    os.environ[_FOLDER_VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_FOLDER_VARIABLE, None)
        else:
            os.environ[_FOLDER_VARIABLE] = before


def _close(page: Any) -> None:  # noqa: ANN401  gr.Blocks
    """Listen no more; browsers that still show the page are not waited for."""
    server = getattr(page, "server", None)
    if server is not None:
        server.force_exit = True
        logging.getLogger("uvicorn.error").disabled = True  # it would call that an error
    page.close(verbose=False)


def _wait() -> None:
    """Until Ctrl-C."""
    try:
        while not threading.Event().wait(1):  # on Windows a wait without end hears no Ctrl-C
            pass
    except KeyboardInterrupt:
        return
