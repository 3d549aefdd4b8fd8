"""Makes the images that `benchmarks.pull` reads: python -m benchmarks.layers FOLDER

The folder gets four OCI layouts, each tagged `benchmark`; one that is there already is left as it is.

    packages   one layer of Debian packages with dpkg's database, fetched by apt-get: no root needed
    split      the same packages in four layers
    large      one layer of ten times 64 MiB that do not become smaller
    million    one layer of a million files of a few bytes in a thousand directories
"""

from __future__ import annotations

import io
import random
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.images import BuiltLayer, Entry, image, write_layout
from tests.support.images import tar as packed

TAG = "benchmark"
SEEDS = ("?essential", "gcc", "git", "python3-django", "vim-runtime")
"""With all that these packages depend on a layer has more than 18,000 entries and 140 MB."""
LAYERS = 4
LARGE_FILES, LARGE_BYTES = 10, 64 << 20
FOLDERS, FILES = 1000, 1000
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_STATUS = "var/lib/dpkg/status"


@dataclass(frozen=True)
class _Stored(BuiltLayer):
    """A layer that is packed once, at the level that most builders of images use."""

    packed: bytes = b""

    @property
    def blob(self) -> bytes:
        return self.packed


def main() -> None:
    """Make what is missing."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.layers FOLDER")
    make(Path(sys.argv[1]))


def make(folder: Path) -> None:
    """The layouts, below a folder that is made where it is missing."""
    makers: dict[str, Callable[[], Iterable[bytes]]] = {
        "packages": lambda: [_installed(_packages(folder / "debs"))],
        "split": lambda: _split(_packages(folder / "debs")),
        "large": lambda: [_large()],
        "million": lambda: [_million()],
    }
    for name, tars in makers.items():
        if not (folder / name / "index.json").exists():
            steps = [_Stored(tar, f"ADD {name} /", packed=_gzip(tar)) for tar in tars()]
            write_layout(folder / name, {TAG: image(steps)})
            print(f"made {folder / name}", flush=True)


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


# ---------------------------------------------------------------- Debian packages


def _packages(folder: Path) -> list[Path]:
    """The packages' files, as they are in the folder or else in the archives that apt knows."""
    found = sorted(folder.glob("*.deb"))
    if found:
        return found
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    # Nothing counts as installed, so that everything comes that a system of these packages needs.
    nothing = ("-o", "Dir::State::status=/dev/null", "-o", "Debug::NoLocking=1")
    into = ("-o", f"Dir::Cache::archives={folder.resolve()}")
    options = ("--yes", "--quiet", "--no-install-recommends", "--download-only", *nothing, *into)
    subprocess.run(["apt-get", "install", *options, *SEEDS], check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.glob("*.deb"))


def _split(packages: Sequence[Path]) -> Iterator[bytes]:
    """A layer of every fourth package; each brings dpkg's database as it stands then."""
    for number in range(LAYERS):
        before = [path for share in range(number) for path in packages[share::LAYERS]]
        yield _installed(packages[number::LAYERS], before)


def _installed(packages: Sequence[Path], before: Sequence[Path] = ()) -> bytes:
    """A tar of what the packages hold, and of dpkg's database with them and with those that came before."""
    out = io.BytesIO()
    seen: set[str] = set()
    with tarfile.TarFile(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:

        def add(entry: tarfile.TarInfo, data: io.BufferedIOBase | None) -> None:
            entry.name = entry.name.removeprefix("./")
            if entry.name not in seen and entry.name != ".":
                seen.add(entry.name)
                archive.addfile(entry, data)

        for path in packages:
            name = _control(path, "Package")
            content = _members(path, "--fsys-tarfile")
            listed = "".join(entry.name.removeprefix(".") + "\n" for entry, _ in content).encode()
            for entry, data in content:
                add(entry, data)
            for entry, data in _members(path, "--ctrl-tarfile"):
                if entry.isfile() and entry.name != "./control":
                    entry.name = f"var/lib/dpkg/info/{name}.{entry.name.removeprefix('./')}"
                    add(entry, data)
            add(*_file(f"var/lib/dpkg/info/{name}.list", listed))
        status = "".join(
            _control(path).replace("\n", "\nStatus: install ok installed\n", 1) + "\n\n"
            for path in sorted([*before, *packages])
        )
        add(*_file(_STATUS, status.encode()))
    return out.getvalue()


def _control(package: Path, *fields: str) -> str:
    command = ("dpkg-deb", "--field", str(package), *fields)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.rstrip("\n")


def _members(package: Path, part: str) -> list[tuple[tarfile.TarInfo, io.BufferedIOBase | None]]:
    done = subprocess.run(("dpkg-deb", part, str(package)), check=True, capture_output=True)
    archive = tarfile.TarFile(fileobj=io.BytesIO(done.stdout))
    return [(entry, archive.extractfile(entry) if entry.isreg() else None) for entry in archive]  # type: ignore[misc]


def _file(name: str, data: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    return entry, io.BytesIO(data)


# ---------------------------------------------------------------- generated


def _large() -> bytes:
    """Few files, of bytes by chance."""
    data = random.Random(1).randbytes(LARGE_BYTES)
    return packed(Entry(f"large/{number}", data) for number in range(LARGE_FILES))


def _million() -> bytes:
    """Many files. Only the name and the checksum differ, and the standard library takes a minute for a million headers."""
    content = b"a few bytes\n"
    head = bytearray(_file("", content)[0].tobuf(tarfile.USTAR_FORMAT))
    head[148:156] = b" " * 8
    total = sum(head)
    body = content.ljust(_BLOCK, b"\0")
    pieces: list[bytes] = []
    for folder in range(FOLDERS):
        for file in range(FILES):
            name = b"srv/modules/%03d/file-%03d.js" % (folder, file)
            head[: len(name)] = name
            head[148:156] = b"%06o\0 " % (total + sum(name))
            pieces += (bytes(head), body)
    return b"".join((*pieces, _END))


if __name__ == "__main__":
    main()
