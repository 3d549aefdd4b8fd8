"""Walks a tar stream entry by entry, keeping only the file contents that are asked for.

Formats: POSIX.1-1988 ustar, POSIX.1-2001 pax (extended headers; global ones are read over), GNU tar (long names,
base-256 numbers, sparse files old and in pax 0.0, 0.1, 1.0) and Unix V7. Where implementations differ it does as
Go's archive/tar, which container runtimes extract with. The standard library's `tarfile` is neither fast enough
nor tolerant of archives without an end, which umoci writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Literal
from zlib import adler32

from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.unpack import _sparse
from secpipe.unpack._blocks import (
    BLOCK,
    Blocks,
    check_signed,
    expected_sum,
    is_number,
    pax_number,
    permissions,
    size_of,
    text,
)
from secpipe.unpack._metadata import METADATA, Extra, read_metadata
from secpipe.unpack._plain import LEAST, PEEK, Open, is_program, may_be_program, pass_over
from secpipe.unpack.budget import exceeded
from secpipe.unpack.paths import normalise

Kind = Literal["file", "directory", "symlink", "hardlink", "device"]

_ZEROS: Final = bytes(BLOCK)
_KINDS: Final[dict[int, Kind]] = {
    ord("1"): "hardlink",
    ord("2"): "symlink",
    ord("3"): "device",
    ord("4"): "device",
    ord("5"): "directory",
    ord("6"): "device",
    ord("D"): "directory",
}
"""By type flag; what is not listed is a file, as POSIX asks for flags that a reader does not know."""
_WITHOUT_DATA: Final = frozenset(b"123456")
_VOLUME_LABEL: Final = ord("V")
_SPECIAL: Final = (b"", b".", b"..")


class TarEntry(NamedTuple):
    """One entry. A named tuple because a layer may have millions, and it is the cheapest value to make.

    `name` is normalised: relative, without `.`, `..` (clamped at the root) or empty components; b"" is the root.
    `link` is a symlink's target verbatim, a hard link's normalised. `ordinal` counts from 0. `data` is there
    only for kept files, `size` is that of the file's content. `mode` are the permission bits, 0 where the field is no
    number.
    """

    name: bytes
    kind: Kind
    link: bytes
    size: int
    ordinal: int
    data: bytes | None
    mode: int = 0


Keep = Callable[[bytes, int, int], bool]
"""Asks for a file's content: (name, ordinal, size) -> whether to keep it in memory."""
Distil = Callable[[bytes, int, int, Iterator[bytes]], bytes | None]
"""Is given a program as it passes by: (name, ordinal, mode, chunks) -> what to keep of it."""
Pack = Callable[[bytes, int], bool]
"""Offers a file: (name, ordinal) -> whether its name was all that is of interest, and is noted."""
_SOME: Final = 1024


def walk(
    chunks: Iterator[bytes] | Blocks,
    keep: Keep,
    limits: Limits,
    subject: str = "the layer",
    pack: Pack = lambda name, ordinal: False,
    spend: Callable[[int], object] = lambda entries: None,
    distil: Distil | None = None,
    run: Open | None = None,
) -> Iterator[TarEntry]:
    """The entries in their order; the stream is read to its end, also behind the end of the archive.

    `pack` is offered most files before they are made entries, as a layer may have millions; what it takes does not come.
    Nor do those that go on a `run`.
    `spend` is told how many entries there were, a thousand at a time.
    Raises ImageError when the archive is corrupt or ends within an entry, LimitExceeded by name.
    """
    blocks = chunks if isinstance(chunks, Blocks) else Blocks(chunks, subject)
    extra: Extra | None = None
    ordinal = 0
    # The last parent, as it stands there and normalised, so that its other names need not be looked at again.
    raw = folder = b""
    new = tuple.__new__
    most = limits.layer_entries
    while (block := blocks.block()) is not None:
        flag = block[156]
        if not block[0] and block == _ZEROS:
            following = blocks.block()
            if following is not None and following != _ZEROS:
                raise blocks.corrupt("a lone zero block")
            break
        if adler32(block) & 0xFFFF != expected_sum(block[148:156]):
            check_signed(block, blocks)
        if flag in METADATA:
            extra = read_metadata(block, flag, extra, blocks, limits)
            continue
        if flag == _VOLUME_LABEL:
            blocks.skip(size_of(block[124:136], blocks))
            continue
        if extra is None and not block[345] and flag == 48:
            name = block[:100].split(b"\0", 1)[0]
            parent, _, base = name.rpartition(b"/")
            if parent != raw:
                raw, folder = parent, normalise(parent)
            if base in _SPECIAL:
                name = normalise(name)
            elif folder != raw or block[0] == 47:
                name = folder + b"/" + base if folder else base
            size = size_of(block[124:136], blocks)
            data, left = None, size
            if distil and size > LEAST:
                mode = permissions(block[100:108])
                if may_be_program(name, mode) and is_program(blocks.peek(PEEK)):
                    data, left = distil(name, ordinal, mode, blocks.passing(size)), -1
                    blocks.passed(size)
            if data is None and pack(name, ordinal):
                blocks.skip(max(left, 0))
            else:
                if left >= 0 and keep(name, ordinal, size):
                    data = blocks.read(size)
                else:
                    blocks.skip(max(left, 0))
                mode = permissions(block[100:108])
                yield new(TarEntry, (name, "file", b"", size, ordinal, data, mode))
            if run and run.next == ordinal + 1 and run.parent == folder:
                room = min(_SOME - 1 - ordinal % _SOME, most - ordinal)
                ordinal += pass_over(blocks, raw, run, room, distil is not None)
        else:
            yield _entry(block, flag, extra or Extra(), ordinal, keep, blocks, limits, distil)
            extra = None
        ordinal += 1
        if ordinal > most:
            raise exceeded("layer-entries", most, f"{subject} has too many entries")
        if not ordinal % _SOME:
            spend(_SOME)
    spend(ordinal % _SOME)
    blocks.drain()


def _entry(
    block: bytes,
    flag: int,
    extra: Extra,
    ordinal: int,
    keep: Keep,
    blocks: Blocks,
    limits: Limits,
    distil: Distil | None,
) -> TarEntry:
    """Any entry: with metadata headers before it, a ustar prefix, a link, a sparse file."""
    pax = extra.pax
    sparse = bool(pax) and _sparse.pax_version(pax) != ""
    raw = pax.get(b"GNU.sparse.name") if sparse else None
    raw = raw or extra.long_name or pax.get(b"path") or _ustar_name(block)
    kind = _KINDS.get(flag, "file")
    if flag == 0 and raw.endswith(b"/"):
        kind = "directory"
    name = _bounded(raw, limits, blocks)
    link = b""
    if kind in ("symlink", "hardlink"):
        link = extra.long_link or pax.get(b"linkpath") or text(block[157:257])
        bounded = _bounded(link, limits, blocks)
        link = link if kind == "symlink" else bounded
    mode = permissions(block[100:108])
    if flag in _WITHOUT_DATA or (kind == "directory" and flag == 0):
        return TarEntry(name, kind, link, 0, ordinal, None, mode)
    size = pax_number(pax[b"size"], blocks) if pax.get(b"size") else size_of(block[124:136], blocks)
    data = None
    if flag == ord("S"):
        size, data = _sparse.read_old(block, size, blocks, partial(keep, name, ordinal), limits)
    elif sparse:
        size, data = _sparse.read_pax(pax, size, blocks, partial(keep, name, ordinal), limits)
    elif (
        distil
        and kind == "file"
        and size > LEAST
        and may_be_program(name, mode)
        and is_program(blocks.peek(PEEK))
    ):
        data = distil(name, ordinal, mode, blocks.passing(size))
        blocks.passed(size)
    elif kind == "file" and keep(name, ordinal, size):
        data = blocks.read(size)
    else:
        blocks.skip(size)
    return TarEntry(name, kind, link, size, ordinal, data, mode)


def _ustar_name(block: bytes) -> bytes:
    name = text(block[:100])
    if not block[345]:
        return name
    prefix = text(block[345:500])
    if block[257:263] == b"ustar\0":
        # The star format keeps times in the last bytes of what is the prefix elsewhere.
        return (text(block[345:476]) if block[508:512] == b"tar\0" else prefix) + b"/" + name
    # Two times stand there in GNU's format, but for the writer of Go before 1.8: its reader still goes by what fits.
    times = is_number(block[345:357]) and is_number(block[357:369])
    is_prefix = block[257:265] == b"ustar  \0" and not times and prefix.isascii()
    return prefix + b"/" + name if is_prefix else name


def _bounded(raw: bytes, limits: Limits, blocks: Blocks) -> bytes:
    if len(raw) > limits.path_bytes:
        raise exceeded(
            "path-bytes", limits.path_bytes, f"a path of {len(raw)} bytes before byte {blocks.offset}"
        )
    name = normalise(raw)
    if len(raw) > limits.path_components and raw.count(b"/") >= limits.path_components:
        raise exceeded(
            "path-components",
            limits.path_components,
            f"a path of {raw.count(b'/') + 1} components in a layer",
        )
    return name
