"""Fetches files from where advisories are published: the web, or a folder.

Over HTTP (RFC 9110) a download is bounded in size, tried again where that may help, and taken up where it was cut when a
strong ETag says that the rest is of the same bytes; the ETag of last time spares what has not changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from msgspec import Struct

from secpipe.errors import AdvisoryError, UsageError
from secpipe.model.limits import MIB, Limits
from secpipe.model.progress import Progress

if TYPE_CHECKING:
    import httpx

TRIES = 3
_AGAIN = (429, 500, 502, 503, 504)
_IN_MEMORY = 64 * MIB
_ADDRESSES = "give an http(s) or file address, or a directory"


class Download(Struct, frozen=True):
    """A file: its bytes, where they came from, the ETag they came with."""

    file: IO[bytes]
    url: str
    etag: str


class Unreachable(AdvisoryError):
    """Nobody answers at the feed's address: asking it for something else does not help."""


class Feed(Protocol):
    """A place to fetch from. Both functions raise `AdvisoryError`, `FileNotFoundError` for what is not there."""

    def url(self, path: str) -> str:
        """Where the file of that path lies, for messages and for the database."""
        ...

    def open(self, path: str, etag: str) -> Download | None:
        """The file of that path; None when it still has that ETag."""
        ...


@contextmanager
def open_feed(
    base_url: str, limits: Limits, pause: Callable[[float], None], progress: Progress | None
) -> Iterator[Feed]:
    """The feed at an http(s) or file address, or in a folder. Raises `UsageError` for what is neither."""
    if (folder := _local(base_url)) is None:
        with _client(limits) as client:
            yield _Web(client, base_url.rstrip("/"), limits, pause, progress)
        return
    if not folder.is_dir():
        raise UsageError(f"no feed at {base_url}", _ADDRESSES)
    yield _Folder(folder)


def fetch_file(
    address: str, etag: str, limits: Limits, pause: Callable[[float], None], progress: Progress | None
) -> Download | None:
    """The one file at an http(s) or file address or a path; None when it still has that ETag.

    Raises `AdvisoryError` when it cannot be had, `FileNotFoundError` when there is none, `UsageError` for no address.
    """
    if (file := _local(address)) is not None:
        return _Folder(file.parent).open(file.name, "")
    with _client(limits) as client:
        return _Page(client, address, limits, pause, progress).open(address.rpartition("/")[2], etag)


def absolute(address: str) -> str:
    """The address, that of a file so that it can be found again from elsewhere; '' for ''."""
    file = _local(address) if address else None
    return str(file.absolute()) if file is not None else address


def _local(address: str) -> Path | None:
    """The path that an address names; None for one on the web."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise UsageError(f"no address of a feed: {address!r} ({error})", _ADDRESSES) from error
    scheme = parts.scheme.lower()
    if scheme in ("http", "https"):
        return None
    if scheme != "file" and "://" in address:
        raise UsageError(f"no address of a feed: {address!r}", _ADDRESSES)
    return Path(url2pathname(parts.path)) if scheme == "file" else Path(address)


def _client(limits: Limits) -> httpx.Client:
    import httpx

    return httpx.Client(
        timeout=httpx.Timeout(limits.idle_seconds, connect=min(10, limits.idle_seconds)),
        follow_redirects=True,
        max_redirects=limits.redirects,
        headers={"Accept-Encoding": "identity", "User-Agent": "secpipe"},
    )


class _Folder:
    """A mirror of the feed on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, path: str) -> str:
        return str(self._folder / path)

    def open(self, path: str, etag: str) -> Download | None:
        if ".." in path.split("/"):
            raise FileNotFoundError(path)
        try:
            return Download((self._folder / path).open("rb"), self.url(path), "")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(path) from error
        except OSError as error:
            raise AdvisoryError(f"cannot read {self.url(path)}: {error.strerror}") from error


class _Web:
    """The feed over HTTP: bounded in size, tried again where that may help."""

    def __init__(
        self,
        client: httpx.Client,
        root: str,
        limits: Limits,
        pause: Callable[[float], None],
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._root = root
        self._limits = limits
        self._pause = pause
        self._progress = progress

    def url(self, path: str) -> str:
        return f"{self._root}/{quote(path)}"

    def open(self, path: str, etag: str) -> Download | None:
        import httpx

        url = self.url(path)
        part = _Part()
        rest, resumes = TRIES - 1, self._limits.blob_resumes
        try:
            while True:
                before = part.size
                wait = float(2 ** (TRIES - 1 - rest))
                try:
                    with self._client.stream("GET", url, headers=part.headers(etag)) as response:
                        if response.status_code not in _AGAIN or not rest:
                            if self._take(response, url, path, part, etag):
                                return part.whole(url)
                            part.close()
                            return None
                        wait = _retry_after(response.headers.get("Retry-After", ""), wait)
                except httpx.TransportError as error:
                    # What came before a cut need not come again, and a server that goes on is not one that is down.
                    if part.size > before and part.resumable and resumes:
                        resumes -= 1
                        rest += 1
                    if not rest:
                        raise _unreachable(url, error) from error
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise _unreachable(url, error) from error
                rest -= 1
                self._pause(min(wait, self._limits.retry_seconds))
        except BaseException:
            part.close()
            raise

    def _take(self, response: httpx.Response, url: str, path: str, part: _Part, etag: str) -> bool:
        """Read the body into `part`; False when the answer is that the bytes still have that ETag."""
        status = response.status_code
        if status == 304 and etag and not part.resumable:
            return False
        if status == 404:
            raise FileNotFoundError(url)
        if url.startswith("https:") and response.url.scheme != "https":
            raise AdvisoryError(
                f"{url} redirects to plain HTTP ({response.url.host})", "use another mirror with --url"
            )
        if status == 416 or (status == 206 and not part.continues(response.headers)):
            part.restart()
            raise _again(response, f"{url} offers another part than was asked for")
        if status not in (200, 206):
            raise AdvisoryError(
                f"{url} answers {status} {response.reason_phrase}".rstrip(), "try again later"
            )
        if status == 200:
            # What a server packs on the way has other offsets than what comes out here.
            packed = "Content-Encoding" in response.headers
            part.restart("" if packed else response.headers.get("ETag", ""))
        length = response.headers.get("Content-Length", "")
        size = part.size + int(length) if length.isdecimal() and len(length) < 16 else None
        with self._progress.reading(path, size) if self._progress else nullcontext(_ignore) as told:
            told(part.size)
            for chunk in response.iter_bytes():
                part.add(chunk)
                told(len(chunk))
                if part.size > self._limits.feed_bytes:
                    raise AdvisoryError(
                        f"{url} is larger than {self._limits.feed_bytes} bytes (limit feed-bytes)"
                    )
        return True


class _Page(_Web):
    """One file on the web, whatever its address looks like."""

    def url(self, path: str) -> str:
        return self._root


class _Part:
    """As much of a download as has come, over several answers of the same ETag (RFC 9110 §13.1.5, §14)."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed by `close`
        self._etag = ""
        self.size = 0

    @property
    def resumable(self) -> bool:
        """Whether the rest can be asked for: only a strong ETag says that it is of the same bytes."""
        return bool(self.size) and self._etag.startswith('"')

    def headers(self, known: str) -> dict[str, str]:
        """What to ask with: for the rest, or for all of it unless it is still the known one."""
        if self.resumable:
            return {"Range": f"bytes={self.size}-", "If-Range": self._etag}
        return {"If-None-Match": known} if known else {}

    def continues(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer begins where this ends, and is of the same bytes."""
        place = headers.get("Content-Range", "")
        return (
            self.resumable
            and place.startswith(f"bytes {self.size}-")
            and headers.get("ETag", self._etag) == self._etag
        )

    def restart(self, etag: str = "") -> None:
        """Forget what has come; what comes now has this ETag."""
        self._file.seek(0)
        self._file.truncate()
        self._etag, self.size = etag, 0

    def add(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self.size += len(chunk)

    def whole(self, url: str) -> Download:
        self._file.seek(0)
        return Download(self._file, url, self._etag)

    def close(self) -> None:
        self._file.close()


def _again(response: httpx.Response, reason: str) -> Exception:
    import httpx

    return httpx.RemoteProtocolError(reason, request=response.request)


def _ignore(count: int) -> None:
    """Where nobody looks at the progress."""


def _retry_after(header: str, default: float) -> float:
    return max(default, float(header)) if header.isdecimal() and len(header) < 6 else default


def _unreachable(url: str, error: Exception) -> AdvisoryError:
    import httpx

    reason = " ".join(str(error).split()) or type(error).__name__
    kind = Unreachable if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else AdvisoryError
    return kind(
        f"cannot fetch {url}: {reason}", "check the network and the proxy, or use a mirror with --url"
    )
