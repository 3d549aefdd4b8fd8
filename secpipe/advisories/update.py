"""Brings the advisory database up to date from the public OSV feed, or from a mirror of it.

A feed is a place, on the web or on disk, with `<ECOSYSTEM>/all.zip` for each base ecosystem and `ecosystems.txt` with
their names (OSV's data sources documentation). Only what is asked for is fetched, an ETag spares what has not changed, and
the database is swapped in whole at the end: any failure leaves the old one as it was.
"""

from __future__ import annotations

import difflib
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from secpipe.advisories.compile import Compiled, Origin, Shard, compile_records, write
from secpipe.advisories.lock import locked
from secpipe.advisories.names import base
from secpipe.advisories.sources import zip_records
from secpipe.advisories.store import Source, Store, timestamp
from secpipe.errors import AdvisoryError, SecpipeError, UsageError
from secpipe.model.limits import MIB, Limits
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "https://osv-vulnerabilities.storage.googleapis.com"
TRIES = 3
_AGAIN = (429, 500, 502, 503, 504)
_IN_MEMORY = 64 * MIB
_ADDRESSES = "give an http(s) or file address, or a directory"
_EXAMPLE = "name what the images need, such as: secpipe db update Debian Alpine PyPI"


@dataclass(frozen=True, slots=True)
class Updated:
    """One base ecosystem after an update: its records, and whether they were fetched anew."""

    base: str
    records: int
    changed: bool


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an update did, the digest of the database, and what could not be read."""

    updated: tuple[Updated, ...]
    digest: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Download:
    """An `all.zip`: its bytes, where they came from, the ETag they came with."""

    file: IO[bytes]
    url: str
    etag: str


class _Unreachable(AdvisoryError):
    """Nobody answers at the feed's address: asking it for something else does not help."""


class _Feed(Protocol):
    """A place to fetch from. Both functions raise `AdvisoryError`, `FileNotFoundError` for what is not there."""

    def url(self, path: str) -> str:
        """Where the file of that path lies, for messages and for the database."""
        ...

    def open(self, path: str, etag: str) -> _Download | None:
        """The file of that path; None when it still has that ETag."""
        ...


def update(
    ecosystems: Sequence[str],
    base_url: str,
    database: Path,
    limits: Limits | None = None,
    now: datetime | None = None,
    pause: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
) -> UpdateResult:
    """Fetch the named base ecosystems (a release as in `Debian:12` is ignored), or else those in the database already.

    `base_url` is http(s), file, or a directory. Raises `UsageError` when nothing is named and nothing is there, or for
    a name that the feed does not have; `AdvisoryError` when the feed cannot be read. The database then stays as it was.
    """
    limits = limits or Limits()
    with locked(database, limits.lock_seconds):
        return fetch(ecosystems, base_url, database, limits, now, pause, progress)


def fetch(
    ecosystems: Sequence[str],
    base_url: str,
    database: Path,
    limits: Limits,
    now: datetime | None = None,
    pause: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
    failures: dict[str, str] | None = None,
) -> UpdateResult:
    """What `update` does, for who holds the lock. With `failures`, one ecosystem that cannot be had is told there (name →
    reason) and does not stop the others; the database is left as it was when none can."""
    known, problems = _state(database, named=bool(ecosystems))
    wanted = sorted({base(name.strip()) for name in ecosystems} or known)
    if not wanted or not all(wanted):
        raise UsageError(f"no ecosystem to update: {database} has none yet", _EXAMPLE)
    shards: dict[str, tuple[Shard, Origin]] = {}
    unread: dict[str, int] = {}
    lost: dict[str, str] = {}
    fetched = timestamp(now)
    with _feed(base_url, limits, pause, progress) as feed:
        for number, name in enumerate(list(wanted)):
            try:
                origin, compiled = _fetch(feed, name, known.get(name), limits, problems)
            except SecpipeError as error:
                if failures is None:
                    raise
                lost[name] = error.message
                if isinstance(error, _Unreachable):
                    lost |= dict.fromkeys(wanted[number:], error.message)
                    break
                continue
            if compiled is not None:
                shards[name] = (compiled.shards[name], Origin(fetched, origin.url, origin.etag))
                unread |= compiled.unread
    if failures is not None:
        failures |= lost
        wanted = [name for name in wanted if name not in lost]
    if not wanted:
        return UpdateResult((), "", tuple(sorted(problems)))
    same = [name for name in wanted if name not in shards]
    keep = database if known else None
    digest = write(database, shards, unread, keep, touched=dict.fromkeys(same, fetched))
    with Store.open(database) as store:
        records = {name: source.records for name, source in store.sources().items()}
    done = tuple(Updated(name, records[name], name in shards) for name in wanted)
    return UpdateResult(done, digest, tuple(sorted(problems)))


def _state(database: Path, named: bool) -> tuple[dict[str, Source], list[Problem]]:
    """What the database holds now. One that cannot be read is as good as none, but not without a word.

    A source of which not everything could be read has no ETag here: it is worth fetching again, perhaps with other limits.
    """
    if not database.exists():
        return {}, []
    try:
        with Store.open(database) as store:
            gaps = {base(name) for name in store.unread()}
            sources = store.sources()
            return {n: replace(s, etag="") if n in gaps else s for n, s in sources.items()}, []
    except AdvisoryError as error:
        if not named:
            raise AdvisoryError(error.message, _EXAMPLE) from error
        message = f"{error.message}; it was replaced and holds only what was updated now"
        return {}, [
            Problem("database-replaced", str(database), message, "run secpipe db update for the others too")
        ]


def _fetch(
    feed: _Feed, name: str, known: Source | None, limits: Limits, problems: list[Problem]
) -> tuple[Origin, Compiled | None]:
    """Where an ecosystem came from, and its compiled records; no records when they are those of the database."""
    path = f"{name}/all.zip"
    etag = known.etag if known and known.url == feed.url(path) else ""
    try:
        download = feed.open(path, etag)
    except FileNotFoundError as error:
        raise _unknown(feed, name) from error
    if download is None:
        return Origin("", feed.url(path), etag), None
    with download.file as file:
        if not zipfile.is_zipfile(file):
            raise AdvisoryError(
                f"{download.url} is no zip", "is this the address of an OSV feed or a mirror of it?"
            )
        file.seek(0)
        compiled = compile_records(zip_records(file, path, limits, problems), problems, only=name)
    if name not in compiled.shards:
        raise AdvisoryError(f"{download.url} holds no advisory for {name}", "the database was left as it was")
    return Origin("", download.url, download.etag), compiled


def _unknown(feed: _Feed, name: str) -> UsageError:
    """The error for an ecosystem that the feed does not have, with the names it could have meant."""
    message = f"there is no ecosystem {name!r} at {feed.url('')}"
    try:
        text = _names(feed)
    except (AdvisoryError, FileNotFoundError):
        return UsageError(message, "names are as in https://osv.dev/list, upper and lower case included")
    names = sorted({base(line.strip()) for line in text.splitlines()} - {""})
    lower = {one.lower(): one for one in names}
    near = [lower[one] for one in difflib.get_close_matches(name.lower(), sorted(lower), n=3)]
    return UsageError(
        message, f"did you mean {', '.join(near)}?" if near else f"it has: {', '.join(names)[:400]}"
    )


def _names(feed: _Feed) -> str:
    download = feed.open("ecosystems.txt", "")
    if download is None:
        return ""
    with download.file as file:
        return file.read(MIB).decode("utf-8", "replace")


@contextmanager
def _feed(
    base_url: str, limits: Limits, pause: Callable[[float], None], progress: Progress | None
) -> Iterator[_Feed]:
    try:
        address = urlsplit(base_url)
    except ValueError as error:
        raise UsageError(f"no address of a feed: {base_url!r} ({error})", _ADDRESSES) from error
    scheme = address.scheme.lower()
    if scheme in ("http", "https"):
        import httpx

        client = httpx.Client(
            timeout=httpx.Timeout(limits.idle_seconds, connect=min(10, limits.idle_seconds)),
            follow_redirects=True,
            max_redirects=limits.redirects,
            headers={"Accept-Encoding": "identity", "User-Agent": "secpipe"},
        )
        with client:
            yield _Web(client, base_url.rstrip("/"), limits, pause, progress)
        return
    folder = Path(url2pathname(address.path)) if scheme == "file" else Path(base_url)
    if not folder.is_dir():
        raise UsageError(f"no feed at {base_url}", _ADDRESSES)
    yield _Folder(folder)


class _Folder:
    """A mirror of the feed on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, path: str) -> str:
        return str(self._folder / path)

    def open(self, path: str, etag: str) -> _Download | None:
        if ".." in path.split("/"):
            raise FileNotFoundError(path)
        try:
            return _Download((self._folder / path).open("rb"), self.url(path), "")
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

    def open(self, path: str, etag: str) -> _Download | None:
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
                            if self._take(response, url, path, part):
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

    def _take(self, response: httpx.Response, url: str, path: str, part: _Part) -> bool:
        """Read the body into `part`; False when the answer is that nothing has changed."""
        status = response.status_code
        if status == 304:
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

    def whole(self, url: str) -> _Download:
        self._file.seek(0)
        return _Download(self._file, url, self._etag)

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
    kind = _Unreachable if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else AdvisoryError
    return kind(
        f"cannot fetch {url}: {reason}", "check the network and the proxy, or use a mirror with --url"
    )
