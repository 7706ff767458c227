"""Weights from elsewhere: found here first, else fetched, proven, and only then named."""

from __future__ import annotations

import hashlib
import logging
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import ModelError, name_for_message
from . import hub, parts, proofs
from .addresses import AddressError, RefusedError, TroubleError, host_of, shown
from .cards import HubFile, ModelCard, WebFile, Weight
from .download import Wanted, check, check_start, download
from .folders import download_folder
from .progress import Progress, tell_nobody
from .store import find_verified
from .web import Limits
from .web import answers as web_answers

_log = logging.getLogger(__name__)

LIMITS: Final = Limits()
LOCK_PATIENCE: Final = 60.0  # seconds for which another process's fetch may stand still
_BLOCK: Final = 1 << 20


def fetch(
    weight: Weight,
    *,
    offline: bool = False,
    progress: Progress = tell_nobody,
    limits: Limits = LIMITS,
) -> Path:
    """A weight's proven file, fetched if it is not here.

    Args:
        weight: A row of the catalogue.
        offline: Fetch nothing; so does ``HF_HUB_OFFLINE``.
        progress: Called with the bytes that have come and the length, None where not known.
        limits: How long to wait for what.

    Raises:
        ModelError: If it is neither here nor to be had; one sentence with each address, what it
            answered, and what to do.
    """
    try:
        return find_verified(weight)
    except ModelError as error:
        if not weight.places:
            raise
        if offline or hub.is_offline():
            raise ModelError(
                f"{error}; nothing is fetched now, because --offline or HF_HUB_OFFLINE forbids it"
            ) from error
    target = download_folder() / weight.file
    parts.prepare(target, weight.size)
    with parts.lock(target, LOCK_PATIENCE) as locked:
        try:
            return find_verified(weight)  # another process has fetched it meanwhile
        except ModelError:
            _fetch_into(target, weight, progress, limits, locked=locked)
    return target


def fetch_all(
    card: ModelCard,
    *,
    offline: bool = False,
    progress: Progress = tell_nobody,
    limits: Limits = LIMITS,
) -> dict[str, Path]:
    """Proven files of all of a card's weights, by organ; see :func:`fetch`."""
    return {
        organ: fetch(weight, offline=offline, progress=progress, limits=limits)
        for organ, weight in card.weights.items()
    }


def answers(weight: Weight, seconds: float = 3.0) -> bool:
    """Whether the first place of a weight answers quickly; asks for the head only."""
    if not weight.places:
        return False
    place = weight.places[0]
    return web_answers(hub.url_of(place) if isinstance(place, HubFile) else place.url, seconds)


def _fetch_into(
    target: Path, weight: Weight, progress: Progress, limits: Limits, *, locked: bool
) -> None:
    """Try one place after the other until the file stands under its name."""
    reasons: list[str] = []
    dead: set[str] = set()  # hosts that can not be reached
    for place in weight.places:
        url = hub.url_of(place) if isinstance(place, HubFile) else place.url
        if host_of(url) in dead:
            continue
        try:
            part = _part_from(place, url, target, weight, limits, progress, locked=locked)
        except AddressError as error:
            if isinstance(error, TroubleError) and error.unreachable:
                dead.add(host_of(url))
            reasons.append(str(error))
            continue
        if weight.sha256 is None:
            _record(weight, part)
        parts.put(part, target)
        parts.sweep(target, locked=locked)
        return
    raise ModelError(
        f"{weight.file} can not be fetched: {'; '.join(reasons)}; try again later, name a mirror "
        f"in HF_ENDPOINT or a proxy in HTTPS_PROXY, or put the file by hand into "
        f"{name_for_message(target.parent)}"
    )


def _part_from(  # noqa: PLR0913, PLR0917  one transfer's facts
    place: HubFile | WebFile,
    url: str,
    target: Path,
    weight: Weight,
    limits: Limits,
    progress: Progress,
    *,
    locked: bool,
) -> Path:
    """A proven part from one place."""
    known = weight.sha256 is not None
    if isinstance(place, WebFile) and place.member:
        tag = hashlib.sha256(url.encode()).hexdigest()[: parts.TAG_LENGTH]
        archive = download(
            url, target, Wanted(None, None, tag, known), limits, progress, locked=locked
        )
        try:
            part = _unpacked(archive, place.member, url, target, weight)
        finally:
            archive.unlink(missing_ok=True)
    else:
        source = weight.sha256 or hashlib.sha256(url.encode()).hexdigest()
        wanted = Wanted(weight.size, weight.sha256, source[: parts.TAG_LENGTH], known)
        found = _from_library(place, url, target, wanted, limits, progress)
        part = found or download(url, target, wanted, limits, progress, locked=locked)
    if not known:
        try:
            check_start(part, url)
        except RefusedError:
            part.unlink(missing_ok=True)
            raise
    return part


def _from_library(  # noqa: PLR0913, PLR0917  one transfer's facts
    place: HubFile | WebFile,
    url: str,
    target: Path,
    wanted: Wanted,
    limits: Limits,
    progress: Progress,
) -> Path | None:
    """What huggingface_hub brings, if it is installed, and right; None sends us ourselves."""
    if not isinstance(place, HubFile) or parts.has_leftovers(target, wanted.tag):
        return None
    hub.check_endpoint()
    part = hub.bring(place, target, limits, progress)
    if part is None:
        return None
    try:
        check(part, url, wanted)
    except RefusedError as error:
        _log.info("%s; asking the hub directly", error)
        part.unlink(missing_ok=True)
        return None
    return part


def _unpacked(archive: Path, member: str, url: str, target: Path, weight: Weight) -> Path:
    """The one file of that name in an archive, as a proven part."""
    most = weight.size or LIMITS.most
    wanted = Wanted(weight.size, weight.sha256, "", resumable=False)
    part = parts.new_part(target, "")
    try:
        with zipfile.ZipFile(archive) as bundle:
            found = [at for at in bundle.infolist() if PurePosixPath(at.filename).name == member]
            _check_member(found, member, url, most)
            with bundle.open(found[0]) as packed, parts.writing(target), part.open("xb") as stream:
                came = 0
                while (block := packed.read(_BLOCK)) and (came := came + len(block)) <= most:
                    stream.write(block)
        check(part, url, wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        raise RefusedError(f"{shown(url)} sends no whole zip archive ({error})") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _check_member(found: list[zipfile.ZipInfo], member: str, url: str, most: int) -> None:
    """See that an archive holds the one file, of a fitting length."""
    if len(found) != 1 or found[0].file_size > most:
        sizes = ", ".join(str(at.file_size) for at in found) or "none"
        raise RefusedError(
            f"{shown(url)} should hold one {member} of at most {most} bytes, got: {sizes}"
        )


def _record(weight: Weight, part: Path) -> None:
    """Remember what the first fetch of a row without a digest gave, and say so.

    Raises:
        ModelError: If an earlier fetch gave another file.
    """
    digest, before = proofs.digest_of(part), proofs.recorded(weight.file)
    if before not in {None, digest}:
        part.unlink(missing_ok=True)
        raise ModelError(
            f"{weight.file}: its publisher now sends another file (sha256 {digest[:12]}..., first "
            f"fetched {before[:12]}...); if you trust it, remove recorded.json from this "
            "program's cache and fetch again"
        )
    proofs.record(weight.file, digest)
    _log.warning(
        "%s: nobody has published its sha256; that of this first fetch is recorded: %s",
        weight.file,
        digest,
    )
