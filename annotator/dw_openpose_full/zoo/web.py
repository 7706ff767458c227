"""One address asked, politely but not patiently: proxies, redirects, time limits, a lowest rate."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from .._version import package_version
from .addresses import RefusedError, TroubleError, checked, is_loopback, shown

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_MOST_HOPS: Final = 5
_CHUNK: Final = 1 << 16
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Limits:
    """How long to wait for what.

    Attributes:
        connect: Seconds until a connection stands.
        read: Seconds between any two bytes.
        answer: Seconds until the headers of an answer are there, all in all.
        rate: Bytes a second that must come, on average over a window.
        window: Seconds of that window.
        tries: How often one address is asked.
        pause: Seconds before the second try; doubled before each further one.
        most: Bytes of the longest file that is taken where nobody told its length.
    """

    connect: float = 10.0
    read: float = 30.0
    answer: float = 60.0
    rate: float = 1024.0
    window: float = 30.0
    tries: int = 3
    pause: float = 1.0
    most: int = 4 << 30


@dataclass(frozen=True)
class Answer:
    """The head of an answer, and its body to be read once."""

    url: str
    status: int
    headers: Mapping[str, str]
    length: int | None
    response: http.client.HTTPResponse
    limits: Limits

    def chunks(self) -> Iterator[bytes]:
        """The body, as it comes.

        Raises:
            TroubleError: If it breaks off, stalls or drips.
        """
        limits, came, since = self.limits, 0, time.monotonic()
        with _troubles(self.url):
            while chunk := self.response.read1(_CHUNK):
                came += len(chunk)
                elapsed = time.monotonic() - since
                if elapsed > limits.window:
                    if came < limits.rate * elapsed:
                        raise TroubleError(
                            f"{shown(self.url)} sends fewer than {limits.rate:.0f} bytes a second"
                        )
                    came, since = 0, time.monotonic()
                yield chunk


@contextmanager
def ask(
    url: str, headers: Mapping[str, str], limits: Limits, *, method: str = "GET"
) -> Iterator[Answer]:
    """Ask an address, and those that it sends us on to.

    Raises:
        RefusedError: If it is no address for us, or answers that it will not.
        TroubleError: If it does not answer, or not now.
    """
    local = checked(url, local=True)
    for _ in range(_MOST_HOPS + 1):
        connection, response = _exchange(url, headers, limits, method)
        try:
            if response.status not in _REDIRECTS:
                yield _answer(url, response, limits)
                return
            where = response.getheader("Location")
            if not where:
                raise RefusedError(f"{shown(url)} redirects to nowhere")
            onward = urljoin(url, where)
            local = checked(onward, local=local, by=url) and local
            url = onward
        finally:
            with suppress(OSError):
                response.close()
            connection.close()
    raise RefusedError(f"{shown(url)} redirects more than {_MOST_HOPS} times")


def answers(url: str, seconds: float) -> bool:
    """Whether there is any good answer to an address within so many seconds, even a redirect."""
    quick = Limits(connect=seconds, read=seconds, answer=seconds)
    good: list[bool] = []

    def look() -> None:
        with suppress(RefusedError, TroubleError):
            checked(url, local=True)
            connection, response = _exchange(url, {}, quick, "HEAD")
            good.append(response.status < 400)
            connection.close()

    worker = threading.Thread(target=look, daemon=True)  # looking a name up knows no time limit
    worker.start()
    worker.join(seconds)
    return any(good)


def _answer(url: str, response: http.client.HTTPResponse, limits: Limits) -> Answer:
    """Judge an answer by its head."""
    status, where = response.status, shown(url)
    if status >= 500 or status in {408, 425, 429}:
        raise TroubleError(f"{where} answers {status} {response.reason}")
    if status in {401, 403}:
        raise RefusedError(
            f"{where} answers {status} {response.reason}: it wants a login, or bars you"
        )
    if status not in {200, 206, 416}:
        raise RefusedError(f"{where} answers {status} {response.reason}")
    headers = {name.lower(): value for name, value in response.getheaders()}
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise RefusedError(f"{where} sends the file packed ({headers['content-encoding']}) unasked")
    if status != 416 and headers.get("content-type", "").lower().startswith("text/html"):
        raise RefusedError(f"{where} answers with a web page, perhaps a login page, not the file")
    return Answer(url, status, headers, response.length, response, limits)


def _exchange(
    url: str, headers: Mapping[str, str], limits: Limits, method: str
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Send one request and read the head of its answer; no redirect is followed."""
    target = urlsplit(url)
    connection, path = _connection(target, limits)
    expired = threading.Event()

    def cut() -> None:
        expired.set()
        if connection.sock is not None:
            with suppress(OSError):  # past ssl's own method, which another thread is in
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    watch = threading.Timer(limits.answer, cut)
    watch.daemon = True
    watch.start()
    try:
        with _troubles(url, unreachable=True):
            connection.connect()
        assert connection.sock is not None
        connection.sock.settimeout(limits.read)
        words = {
            "Host": target.netloc.rpartition("@")[2],
            "User-Agent": f"dw-openpose-full/{package_version()}",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        with _troubles(url):
            connection.request(method, path, headers={**words, **headers})
            return connection, connection.getresponse()
    except BaseException as error:
        connection.close()
        if expired.is_set():
            raise TroubleError(
                f"{shown(url)} gives no answer within {limits.answer:g} seconds"
            ) from error
        raise
    finally:
        watch.cancel()


def _connection(target: SplitResult, limits: Limits) -> tuple[http.client.HTTPConnection, str]:
    """A connection to an address, by a proxy if one is named, and the path to ask for."""
    host, port = target.hostname or "", target.port or _PORTS[target.scheme]
    path = urlunsplit(("", "", target.path or "/", target.query, ""))
    if target.scheme == "http":  # on this machine, so never by a proxy
        return http.client.HTTPConnection(host, port, timeout=limits.connect), path
    context, proxy = ssl.create_default_context(), _proxy(target)
    if proxy is None:
        direct = http.client.HTTPSConnection(host, port, timeout=limits.connect, context=context)
        return direct, path
    at, behind = proxy.hostname or "", proxy.port or _PORTS["http"]
    tunnel = http.client.HTTPSConnection(at, behind, timeout=limits.connect, context=context)
    secret = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()
    basic = {"Proxy-Authorization": f"Basic {base64.b64encode(secret).decode()}"}
    tunnel.set_tunnel(host, port, basic if proxy.username else {})
    return tunnel, path


def _proxy(target: SplitResult) -> SplitResult | None:
    """The proxy that the user's environment names for an address; never for this machine."""
    host = target.hostname or ""
    named = urllib.request.getproxies()
    found = named.get(target.scheme) or named.get("all")
    if not found or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    if proxy.scheme not in _PORTS or not proxy.hostname:
        raise RefusedError(f"the proxy {shown(found)} is no http proxy; set HTTPS_PROXY to one")
    return proxy


@contextmanager
def _troubles(url: str, *, unreachable: bool = False) -> Iterator[None]:
    """Say in our words what networks do."""
    where = shown(url)
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise RefusedError(
            f"{where}: its certificate is not trusted ({error.verify_message}); if your network "
            "looks into https, name its certificate in SSL_CERT_FILE"
        ) from error
    except TimeoutError as error:
        raise TroubleError(f"{where} does not answer in time", unreachable=unreachable) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        verb = "can not be reached" if unreachable else "broke off"
        raise TroubleError(f"{where} {verb} ({reason})", unreachable=unreachable) from error
