"""A feed over HTTP that misbehaves on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.advisories.support import record, write_feed
from tests.support.loopback import listening


@dataclass
class Feed:
    """A served folder, the requests that came, and what to answer instead: path → statuses, used up one by one."""

    folder: Path
    url: str = ""
    requests: list[tuple[str, int]] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    ranges: str = ""
    """How to answer a request for a part: as the standard has it, or with what is wrong about it."""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    state = Feed(tmp_path / "feed")
    write_feed(
        state.folder,
        "Debian",
        record("DSA-1", ("Debian:12", "a")),
        record("X-1", ("Debian:12", "b"), ("PyPI", "b")),
    )
    write_feed(state.folder, "PyPI", record("PYSEC-1", ("PyPI", "a")))
    write_feed(state.folder, "Photon OS", record("PHSA-1", ("Photon OS:5.0", "a")))
    (state.folder / "ecosystems.txt").write_text("Debian\nDebian:12\nPhoton OS\nPyPI\n")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path).removeprefix("/mirror/")
            file = state.folder / path
            content = file.read_bytes() if file.is_file() else b""
            etag = f'"{hashlib.sha256(content).hexdigest()[:12]}"'
            status = 200 if content else 404
            if status == 200 and self.headers["If-None-Match"] == etag:
                status = 304
            offset = 0
            if (wanted := self.headers["Range"]) and state.ranges:
                state.asked.append(f"{wanted} if {self.headers['If-Range']}")
                if self.headers["If-Range"] == etag:
                    offset = int(wanted.removeprefix("bytes=").removesuffix("-"))
                    status = 416 if state.ranges == "416" else 206
            if pending := state.answers.get(path):
                status = pending.pop(0)
            state.requests.append((path, status))
            self.send_response(status)
            self.send_header("ETag", etag)
            for name, value in state.headers.items():
                self.send_header(name, value)
            body = content[offset:] if status in (200, 206) else b""
            if status == 206:
                first = offset + 3 if state.ranges == "lie" else offset
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if state.cut is None else body[: state.cut])

        def log_message(self, *_: object) -> None:
            """The requests are kept, not printed."""

    with listening(Handler) as address:
        state.url = f"http://{address}/mirror"
        yield state
