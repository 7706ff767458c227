"""One file from one address: whole and proven, or a reason; goes on where it broke off."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from . import proofs
from .addresses import RefusedError, TroubleError, shown
from .parts import new_part, size_below, take_over, writing
from .progress import Progress
from .web import Answer, Limits, ask

"""Called with the bytes that have come and, where it is known, the length of the whole."""

_NO_NETWORK_STARTS: Final = (b"<", b"{", b"version https://git-lfs", b"\x80", b"\x1f\x8b", b"PK")
"""How pages, messages, LFS pointers, pickles, gzip and zip files begin, and no ONNX file does."""


@dataclass(frozen=True)
class Wanted:
    """What is to come from an address.

    Attributes:
        size: Its length; None where nobody has told.
        sha256: Its digest; None where nobody has told.
        tag: Names what it is, in the names of parts.
        resumable: Whether the result will be proven, so that a dead process's part may be gone on
            with.
    """

    size: int | None
    sha256: str | None
    tag: str
    resumable: bool


def download(  # noqa: PLR0913  one transfer's facts
    url: str, target: Path, wanted: Wanted, limits: Limits, progress: Progress, *, locked: bool
) -> Path:
    """Bring one file beside ``target``, under a name of ours.

    Args:
        url: Its address.
        target: Where it shall stand in the end; nothing is written there.
        wanted: What it must be.
        limits: How long to wait for what.
        progress: Told what has come.
        locked: Whether the lock on ``target`` is held.

    Returns:
        The part, of the right length and digest as far as they are known.

    Raises:
        RefusedError: If this address does not give that file.
        TroubleError: If it may another time; what has come is kept, if it can be gone on with.
        ModelError: If it can not be written.
    """
    left = take_over(target, wanted.tag, locked=locked) if wanted.resumable else None
    transfer = _Transfer(
        url, target, left or new_part(target, wanted.tag), wanted, limits, progress
    )
    before, keep = size_below(transfer.part), False
    try:
        transfer.bring()
        try:
            check(transfer.part, url, wanted)
        except RefusedError:
            if not before:
                raise
            transfer.start_over()  # what the dead process left may be at fault
            transfer.bring()
            check(transfer.part, url, wanted)
        keep = True
    except (TroubleError, KeyboardInterrupt):
        keep = wanted.resumable and size_below(transfer.part) > 0
        raise
    except (
        RefusedError
    ):  # another place may go on with what was there, if this one did not touch it
        keep = 0 < before == size_below(transfer.part) != wanted.size
        raise
    finally:
        if not keep:
            with suppress(OSError):
                transfer.part.unlink()
    return transfer.part


def check(part: Path, url: str, wanted: Wanted) -> None:
    """Hold a file that has come against what was wanted.

    Raises:
        RefusedError: If it is another one.
    """
    where, size = shown(url), part.stat().st_size
    if size == 0 or wanted.size not in {None, size}:
        raise RefusedError(f"{where} sends {size} bytes, expected {wanted.size or 'some'}")
    if wanted.sha256 is None:
        return
    digest = proofs.digest_of(part)
    if digest != wanted.sha256:
        raise RefusedError(
            f"{where} sends another file: sha256 is {digest[:12]}..., "
            f"expected {wanted.sha256[:12]}..."
        )


def check_start(part: Path, url: str) -> None:
    """Refuse what is plainly no network, where no digest is known.

    Raises:
        RefusedError: If the file begins as a page, a pickle or an archive does.
    """
    with part.open("rb") as stream:
        start = stream.read(64)
    if start.lstrip().startswith(_NO_NETWORK_STARTS):
        raise RefusedError(f"{shown(url)} sends no network: it begins with {start[:12]!r}")


class _RestartError(TroubleError):
    """What was here is of no use; the next try begins at the beginning."""


class _Transfer:
    """One file on its way from one address, over several tries."""

    def __init__(  # noqa: PLR0913, PLR0917  one transfer's facts
        self,
        url: str,
        target: Path,
        part: Path,
        wanted: Wanted,
        limits: Limits,
        progress: Progress,
    ) -> None:
        self.part = part
        self._url, self._target, self._wanted = url, target, wanted
        self._limits, self._progress = limits, progress
        self._mark = ""  # strong ETag of what has come, to go on with the same file only

    def start_over(self) -> None:
        """Forget what has come."""
        self._mark = ""
        with writing(self._target):
            self.part.unlink(missing_ok=True)

    def bring(self) -> None:
        """Ask until all has come, as often as the limits allow."""
        for attempt in range(self._limits.tries):
            if attempt:
                time.sleep(self._limits.pause * 2 ** (attempt - 1))
            try:
                with writing(self._target), self.part.open("ab") as stream:
                    self._go_on(stream)
            except TroubleError as error:
                if isinstance(error, _RestartError):
                    self.start_over()
                if attempt + 1 == self._limits.tries:
                    raise
            else:
                return

    def _go_on(self, stream: BinaryIO) -> None:
        """Ask once, and append what comes."""
        came = stream.tell()
        if came and came == self._wanted.size:
            return
        headers = {}
        if came and (self._wanted.resumable or self._mark):
            headers["Range"] = f"bytes={came}-"
            if self._mark:
                headers["If-Range"] = self._mark
        with ask(self._url, headers, self._limits) as answer:
            self._check_place(answer, came)
            if answer.status == 200 and came:
                came = 0
                stream.truncate(0)
            etag = answer.headers.get("etag", "")
            self._mark = "" if etag.startswith("W/") else etag
            total = None if answer.length is None else came + answer.length
            self._check_length(answer, total)
            came = self._append(answer, stream, came, total)
            if came < (total or 0):
                raise TroubleError(f"{shown(self._url)} broke off after {came} of {total} bytes")

    def _append(self, answer: Answer, stream: BinaryIO, came: int, total: int | None) -> int:
        """Write the body; returns the bytes that are there then."""
        most = self._wanted.size or total or self._limits.most
        for chunk in answer.chunks():
            came += len(chunk)
            if came > most:
                raise RefusedError(f"{shown(self._url)} sends more than {most} bytes")
            stream.write(chunk)
            self._progress(came, self._wanted.size or total)
        return came

    def _check_place(self, answer: Answer, came: int) -> None:
        """See that a partial answer goes on where we are, in the same file."""
        place = answer.headers.get("content-range", "")
        etag = answer.headers.get("etag", "")
        fits = place.startswith(f"bytes {came}-") and (not self._mark or etag in {"", self._mark})
        if answer.status == 416 or (answer.status == 206 and not fits):
            raise _RestartError(f"{shown(self._url)} can not go on at byte {came}")

    def _check_length(self, answer: Answer, total: int | None) -> None:
        """Refuse a file of another length before it comes."""
        where, size = shown(self._url), self._wanted.size
        if total is not None and size not in {None, total}:
            raise RefusedError(f"{where} offers {total} bytes, expected {size}")
        chunked = "chunked" in answer.headers.get("transfer-encoding", "").lower()
        if total is None and not chunked and size is None and self._wanted.sha256 is None:
            raise RefusedError(f"{where} does not tell the length, so nothing can be proven")
