"""What a directory is that somebody wants scanned, told by the names in it, so that a mistaken one can be explained.

Source: OCI image-spec 1.1 image-layout.md; containers/image's `dir:` transport (manifest.json, version, blobs by their hex);
`docker save`; OCI runtime-spec 1.2 bundle.md (config.json, rootfs/); the Filesystem Hierarchy Standard 3.0.
"""

from __future__ import annotations

from pathlib import Path

LAYOUT = "layout"
_NEEDED = "oci-layout", "index.json"
_HINTS = {
    "half": "a layout holds oci-layout, index.json and blobs/: the copy is incomplete, export the image again",
    "skopeo": "copy it to a layout: `skopeo copy dir:{0} oci:LAYOUT`",
    "unpacked": "scan the tar that it was unpacked from with docker-archive:FILE",
    "bundle": "scan the image that it was unpacked from, or its files with dir:{0}/rootfs",
    "rootfs": "scan the image that it was unpacked from, or its files with dir:{0}",
    "empty": "was the image exported to it at all? Export it again",
    "": "a layout holds oci-layout, index.json and blobs/; what `docker save` writes is scanned with docker-archive:FILE",
}
_WORDS = {
    "half": "is an incomplete OCI image layout",
    "skopeo": "is what `skopeo copy … dir:` writes, which is not read",
    "unpacked": "is an unpacked docker-archive, which is not read",
    "bundle": "is a runtime bundle, not an image",
    "rootfs": "is an unpacked root filesystem, not an image",
    "empty": "is an empty directory, not an OCI image layout",
    "": "is no OCI image layout",
}


def kind(path: Path) -> str:
    """`layout`, `half` of one, `skopeo`, `unpacked` (a docker-archive), `bundle`, `rootfs`, `empty`; "" for others."""

    def has(*names: str) -> bool:
        return all(_is_there(path / name) for name in names)

    if has(*_NEEDED):
        return LAYOUT
    if has("oci-layout") or has("index.json", "blobs"):
        return "half"
    if has("manifest.json", "version"):
        return "skopeo"
    if has("manifest.json") and (has("repositories") or has("blobs")):
        return "unpacked"
    if has("config.json", "rootfs"):
        return "bundle"
    # Source trees have an etc/ or a bin/, too; these files only an installed system has.
    if (
        has("etc/os-release")
        or has("usr/lib/os-release")
        or has("etc/passwd", "usr")
        or has("var/lib/dpkg/status")
    ):
        return "rootfs"
    return "empty" if _is_empty(path) else ""


def flaw(path: Path) -> tuple[str, str] | None:
    """Why a directory is no layout, to follow its name, and what to do; None when it is one."""
    known = kind(path)
    if known == LAYOUT:
        return None
    missing = [name for name in _NEEDED if not _is_there(path / name)]
    message = f"{_WORDS[known]} (it has no {' and no '.join(missing)})"
    return message, _HINTS[known].format(path)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def _is_empty(path: Path) -> bool:
    try:
        return next(path.iterdir(), None) is None
    except OSError:
        return False
