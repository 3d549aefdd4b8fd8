"""Packs a root filesystem as a docker-archive of one layer, for the scan benchmark.

python -m benchmarks.archive ROOT OUT.tar
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

from tests.support.images import BuiltLayer, image, write_docker_archive


def pack(root: Path, out: Path) -> Path:
    """Write the archive, tagged `benchmark:latest`; owners and times are dropped, links and modes kept."""
    layer = io.BytesIO()
    with tarfile.TarFile(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for child in sorted(root.iterdir()):
            tar.add(child, arcname=child.name, filter=_anonymous)
    built = image([BuiltLayer(layer.getvalue(), f"ADD {root.name} / # buildkit", compression="none")])
    return write_docker_archive(out, {"benchmark:latest": built})


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return None if entry.isdev() or entry.isfifo() else entry


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.archive ROOT OUT.tar")
    print(f"wrote {pack(Path(sys.argv[1]), Path(sys.argv[2]))}")
