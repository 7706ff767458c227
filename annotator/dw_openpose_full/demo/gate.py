"""What stands before gradio: limits, and requests that have no business here.

Gradio on its own takes bodies of any length, and fetches a file for whom names an address instead
of sending it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Final, NoReturn

from .rooms import NOT_SENT, Room

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FORM_BYTES: Final = 2**20
"""What a form adds to its file."""
JSON_BYTES: Final = 8 * 2**20
"""Of a request that is no upload."""

_DRAINED: Final = 16  # times the limit; so much is read and dropped, that a sender hears the answer
_CLOSED: Final = ("/proxy=", "/deep_link", "/file=http:", "/file=https:", "/file=//")
_HEADERS: Final = {
    # gradio's page has inline scripts and styles; nothing is loaded from elsewhere
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Gate:
    """Passes requests on, or answers them with one sentence.

    A request's ``state.asked`` says when it came, as ``time.monotonic`` tells.
    """

    def __init__(self, app: App, room: Room, upload_bytes: int, hosts: frozenset[str]) -> None:
        """Stand before an app.

        Args:
            app: Whom requests are passed to.
            room: Files that may be named lie in here.
            upload_bytes: Largest file.
            hosts: Names that this server goes by, where it is known to no other machine: a
                stranger's page can not talk to it under a name of theirs. Empty for any.
        """
        self._app, self._room, self._hosts = app, room, hosts
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["asked"] = time.monotonic()
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_address(scope["path"], headers)
            receive = await self._checked_body(scope["path"], headers, receive)
            await self._app(scope, receive, _with_headers(send))
        except _RefusedError as refusal:
            await _answer(send, refusal)

    def _check_address(self, path: str, headers: dict[bytes, str]) -> None:
        """Refuse other people's names for this machine, and doors that are not used here."""
        host = re.sub(r":\d+$", "", headers.get(b"host", ""))
        if self._hosts and host not in self._hosts:
            raise _RefusedError(421, f"this is no server of {host[:60]!r}")
        if any(closed in path for closed in _CLOSED):
            raise _RefusedError(403, "nothing is fetched from elsewhere")

    async def _checked_body(
        self, path: str, headers: dict[bytes, str], receive: Receive
    ) -> Receive:
        """The body, if it is not too long and names no file but those that were sent here."""
        kind = headers.get(b"content-type", "").lower()
        is_upload = path.endswith("/upload") and kind.startswith("multipart/")
        most = self._upload_bytes + FORM_BYTES if is_upload else JSON_BYTES
        if int(headers.get(b"content-length", "0") or 0) > most:
            await _refuse_length(receive, most)
        if is_upload:
            return _counted(receive, most)
        body = await _whole(_counted(receive, most))
        self._check_files(body, kind)
        return _replay(body, receive)

    def _check_files(self, body: bytes, kind: str) -> None:
        """Refuse JSON that names files anywhere but in the room, whatever it calls itself."""
        try:
            said = json.loads(body or b"null")
        except (ValueError, RecursionError):
            if kind.startswith("application/json"):
                raise _RefusedError(400, "expected JSON") from None
            return
        for path in _paths(said):
            if not self._room.holds(path):
                raise _RefusedError(400, NOT_SENT)


class _RefusedError(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _paths(said: object) -> Iterator[object]:
    """What is named as a file, at any depth."""
    waiting = [said]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("path") is not None:
                yield value["path"]
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


async def _whole(receive: Receive) -> bytes:
    """A body as one."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _counted(receive: Receive, most: int) -> Receive:
    """The same, but a body that turns out to be too long is refused."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            await _refuse_length(receive, most, more=message.get("more_body", False))
        return message

    return counting


async def _refuse_length(receive: Receive, most: int, *, more: bool = True) -> NoReturn:
    """Refuse a body, after its rest was read and dropped.

    Raises:
        _RefusedError: Always.
    """
    left = most * _DRAINED
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)
    raise _RefusedError(413, f"expected at most {most // 10**6} MB; send less")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, then what comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _with_headers(send: Send) -> Send:
    """Add the headers that every answer has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message["headers"] = [*message.get("headers", ()), *own]
        await send(message)

    return sending


async def _answer(send: Send, refusal: _RefusedError) -> None:
    """Say why a request goes no further."""
    body = json.dumps({"detail": str(refusal), "error": str(refusal)}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
