"""Package databases that no cataloger reads yet: an image with one is not clean, whatever else was read of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secpipe.model.problem import Problem
from secpipe.unpack.patterns import wanted
from secpipe.unpack.view import FileView

_DATABASES = {
    "eopkg": ("var/lib/eopkg/package/*/metadata.xml",),
    "FreeBSD pkg": ("var/db/pkg/local.sqlite",),
    "Guix": ("var/guix/db/db.sqlite",),
    "Homebrew": ("home/linuxbrew/.linuxbrew/Cellar/*/*/INSTALL_RECEIPT.json",),
    "Nix": ("nix/var/nix/db/db.sqlite",),
    "opkg": ("opt/lib/opkg/status", "usr/lib/opkg/status", "var/lib/opkg/status"),
    "Portage": ("var/db/pkg/*/*/CONTENTS",),
    "Slackware": ("var/lib/pkgtools/packages/*-*-*-*", "var/log/packages/*-*-*-*"),
    "XBPS": ("var/db/xbps/pkgdb-*.plist",),
}


def databases(read: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The files by package manager, without those that a pattern of `read` matches: a cataloger has them."""
    taken = wanted(read)
    return {
        manager: tuple(pattern for pattern in patterns if not taken(pattern.encode()))
        for manager, patterns in _DATABASES.items()
    }


def problems(view: FileView, read: Sequence[str]) -> Iterator[Problem]:
    """One for each manager whose database is in the image or was in one of its layers."""
    for manager, patterns in databases(read).items():
        path = next((name for pattern in patterns for name in view.names(pattern)), None)
        if path is not None:
            yield Problem(
                "unread-package-database",
                path,
                f"{path} is a package database of {manager}, which cannot be read yet",
                "its packages could not be examined; accept the gap with --allow-incomplete",
            )
