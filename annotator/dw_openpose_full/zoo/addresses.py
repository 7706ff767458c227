"""Addresses: which we go to, how they are shown, and what is said when one gives no file."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

from ..errors import printable


class AddressError(Exception):
    """An address did not give a file; the reason is one line, whatever a server put in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(printable(" ".join(reason.split()))[:400])


class RefusedError(AddressError):
    """This address will not give the file, however often it is asked."""


class TroubleError(AddressError):
    """This address may give the file another time.

    Attributes:
        unreachable: Whether there was not even a connection.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


def check_address(url: str) -> None:
    """Refuse an address that is neither https nor on this machine.

    Raises:
        RefusedError: If it is.
    """
    checked(url, local=True)


def shown(url: str) -> str:
    """An address as a message can show it: without passwords and signatures."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))[:200]
    except ValueError:
        return repr(url[:100])


def host_of(url: str) -> str:
    """The host and port of an address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def checked(url: str, *, local: bool, by: str = "") -> bool:
    """Refuse what is neither https nor, if ``local`` allows it, http on this machine.

    Returns:
        Whether the address is on this machine.
    """
    sent = f", to which {shown(by)} redirects" if by else ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise RefusedError(f"{shown(url)}{sent}, is no address ({error})") from error
    loopback = is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback and local):
        raise RefusedError(f"{shown(url)}{sent}, is not https")
    if not host or not url.isprintable() or " " in url:
        raise RefusedError(f"{shown(url)}{sent}, is no address")
    return loopback


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
