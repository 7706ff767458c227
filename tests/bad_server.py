"""A loopback server that misbehaves as its paths say, and remembers what it was asked."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

DATA = b"\x08\x07" + bytes(range(256)) * 1200  # 307 kB that begin as an ONNX file does
HALF = len(DATA) // 2
ETAG = '"first"'


class BadServer(http.server.ThreadingHTTPServer):
    """Serves DATA at any path; the first part of the path says how badly."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.stop = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


@contextmanager
def running() -> Iterator[BadServer]:
    server = BadServer()
    worker = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    worker.start()
    try:
        yield server
    finally:
        server.stop.set()
        server.shutdown()
        server.server_close()
        worker.join(2)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: BadServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        word = self.path.split("/")[1].partition("?")[0]
        self.server.asked[word] += 1
        self.server.heads.append(dict(self.headers.items()))
        if "Range" in self.headers:
            self.server.ranges.append(self.headers["Range"])
        self.close_connection = True
        if word.isdigit():
            self.plain(b"no", status=int(word))
        elif word.startswith("once"):
            first = self.server.asked[word] == 1
            self.plain(b"no", status=int(word[4:])) if first else self.whole()
        else:
            getattr(self, f"do_{word}", self.whole)()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.server.asked[f"CONNECT {self.path}"] += 1
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        """Nothing to stderr."""

    def head(self, length: int | None, status: int = 200, **more: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in {"Content-Type": "application/octet-stream", **more}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def plain(self, body: bytes, status: int = 200, **more: str) -> None:
        self.head(len(body), status, **more)
        self.send(body)

    def send(self, body: bytes) -> None:
        if self.command != "HEAD":
            self.wfile.write(body)

    def whole(self, data: bytes = DATA, etag: str = ETAG) -> None:
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range", etag) == etag:
            start = int(wanted[6:-1])
            if start >= len(data):
                self.plain(b"", 416)
                return
            place = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.plain(data[start:], 206, Content_Range=place, ETag=etag)
        else:
            self.plain(data, ETag=etag)

    def drop_first(self, etag: str) -> None:
        if self.server.asked[self.path.split("/")[1]] == 1:
            self.head(len(DATA), ETag=etag)
            self.send(DATA[:HALF])
        else:
            self.whole()

    def do_drop(self) -> None:
        self.drop_first(ETAG)

    def do_changes(self) -> None:
        self.drop_first('"another"')

    def do_drops(self) -> None:
        self.head(len(DATA))
        self.send(DATA[:1000])

    def do_noranges(self) -> None:
        if self.server.asked["noranges"] == 1:
            self.head(len(DATA), ETag=ETAG)
            self.send(DATA[:HALF])
        else:
            self.plain(DATA)

    def do_badrange(self) -> None:
        if "Range" in self.headers:
            self.plain(DATA[7:], 206, Content_Range=f"bytes 7-{len(DATA) - 1}/{len(DATA)}")
        else:
            self.drop_first(ETAG)

    def do_short(self) -> None:
        self.plain(DATA[:-5])

    def do_long(self) -> None:
        self.plain(DATA + b"more")

    def do_longchunks(self) -> None:
        self.chunks([DATA, b"more"])

    def do_chunked(self) -> None:
        self.chunks([DATA[:HALF], DATA[HALF:]])

    def chunks(self, pieces: list[bytes]) -> None:
        self.head(None, Transfer_Encoding="chunked")
        for piece in pieces:
            self.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.send(b"0\r\n\r\n")

    def do_brokenchunks(self) -> None:
        self.head(None, Transfer_Encoding="chunked")
        self.send(b"%x\r\n%s" % (len(DATA), DATA[:HALF]))

    def do_nolength(self) -> None:
        self.head(None)
        self.send(DATA)

    def do_wrong(self) -> None:
        self.plain(DATA[:-1] + b"x")

    def do_empty(self) -> None:
        self.plain(b"")

    def do_page(self) -> None:
        self.plain(b"<html>log in</html>", Content_Type="text/html; charset=utf-8")

    def do_sneaky(self) -> None:
        self.plain(b"<!DOCTYPE html><html>log in</html>")

    def do_pickle(self) -> None:
        self.plain(b"\x80\x04K\x01.")

    def do_gzip(self) -> None:
        self.plain(gzip.compress(DATA), Content_Encoding="gzip")

    def do_garbage(self) -> None:
        self.wfile.write(b"\x00\x01 nonsense\r\n\r\n")

    def do_hangup(self) -> None:
        """Not a word."""

    def do_drip(self) -> None:
        self.head(len(DATA))
        while not self.server.stop.is_set():
            self.send(b"\x08")
            self.wfile.flush()
            time.sleep(0.02)

    def do_stall(self) -> None:
        self.head(len(DATA))
        self.send(DATA[:1000])
        self.server.stop.wait(5)

    def do_silent(self) -> None:
        self.server.stop.wait(5)

    def do_slowhead(self) -> None:
        while not self.server.stop.is_set():
            self.wfile.write(b"H")
            self.wfile.flush()
            time.sleep(0.02)

    def do_slow(self) -> None:
        self.head(len(DATA), ETag=ETAG)
        for start in range(0, len(DATA), 8000):
            self.send(DATA[start : start + 8000])
            time.sleep(0.02)

    def redirect(self, where: str) -> None:
        self.plain(b"", 302, Location=where)

    def do_redirect(self) -> None:
        self.redirect("/whole")

    def do_loop(self) -> None:
        self.redirect("/loop")

    def do_tofile(self) -> None:
        self.redirect("file:///etc/passwd")

    def do_toftp(self) -> None:
        self.redirect("ftp://127.0.0.1/x")

    def do_tohttp(self) -> None:
        self.redirect("http://example.invalid/x")

    def do_tonowhere(self) -> None:
        self.plain(b"", 302)
