"""What the checks of package managers share: options with values, arguments that only a build knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import listed
from secpipe.model.pattern import lazy

APT_VALUED = (
    "-t",
    "--target-release",
    "--default-release",
    "-o",
    "--option",
    "-c",
    "--config-file",
    "-a",
    "--host-architecture",
    "-P",
    "--build-profiles",
    "--solver",
)
"""apt-get(8)."""

APK_VALUED = (
    "-p",
    "--root",
    "-t",
    "--virtual",
    "-X",
    "--repository",
    "--arch",
    "--cache-dir",
    "--cache-max-age",
    "--keys-dir",
    "--progress-fd",
    "--repositories-file",
    "--timeout",
    "--wait",
)
"""apk-add(8), apk(8)."""

RPM_VALUED = (
    "-c",
    "--config",
    "-d",
    "--debuglevel",
    "-e",
    "--errorlevel",
    "-R",
    "--randomwait",
    "-x",
    "--exclude",
    "--excludepkgs",
    "--advisory",
    "--advisories",
    "--arch",
    "--color",
    "--comment",
    "--destdir",
    "--disableexcludes",
    "--disableplugin",
    "--disablerepo",
    "--downloaddir",
    "--enableplugin",
    "--enablerepo",
    "--forcearch",
    "--from-repo",
    "--installroot",
    "--releasever",
    "--repo",
    "--repofrompath",
    "--repoid",
    "--rpmverbosity",
    "--setopt",
    "--setvar",
)
"""yum(8), dnf(8), dnf5(8)."""

ZYPPER_VALUED = (
    "-c",
    "--config",
    "-C",
    "--cache-dir",
    "-D",
    "--reposd-dir",
    "-p",
    "--plus-repo",
    "-r",
    "--repo",
    "-R",
    "--root",
    "-t",
    "--type",
    "--download",
    "--from",
    "--installroot",
    "--pkg-cache-dir",
    "--plus-content",
    "--raw-cache-dir",
    "--solv-cache-dir",
    "--solver-focus",
    "--userdata",
)
"""zypper(8)."""

PIP_VALUED = (
    "-b",
    "-C",
    "-c",
    "-d",
    "-e",
    "-f",
    "-i",
    "-p",
    "-r",
    "-t",
    "--abi",
    "--build",
    "--cache-dir",
    "--cert",
    "--client-cert",
    "--config-setting",
    "--config-settings",
    "--constraint",
    "--editable",
    "--exists-action",
    "--extra-index-url",
    "--find-links",
    "--global-option",
    "--group",
    "--implementation",
    "--index-url",
    "--install-option",
    "--keyring-provider",
    "--log",
    "--no-binary",
    "--only-binary",
    "--platform",
    "--prefix",
    "--progress-bar",
    "--proxy",
    "--python",
    "--python-version",
    "--report",
    "--requirement",
    "--resume-retries",
    "--retries",
    "--root",
    "--root-user-action",
    "--src",
    "--target",
    "--timeout",
    "--trusted-host",
    "--upgrade-strategy",
    "--use-deprecated",
    "--use-feature",
)
"""pip install --help, of pip 25, what older ones had besides, and `-p` of uv."""

NPM_VALUED = (
    "-C",
    "-w",
    "--also",
    "--arch",
    "--before",
    "--cache",
    "--cpu",
    "--fetch-retries",
    "--fetch-timeout",
    "--globalconfig",
    "--https-proxy",
    "--include",
    "--install-strategy",
    "--libc",
    "--location",
    "--loglevel",
    "--maxsockets",
    "--node-options",
    "--omit",
    "--only",
    "--os",
    "--otp",
    "--prefix",
    "--proxy",
    "--python",
    "--registry",
    "--save-prefix",
    "--scope",
    "--script-shell",
    "--tag",
    "--target",
    "--userconfig",
    "--workspace",
)
"""npm-install(1), config(7)."""

YARN_VALUED = (
    "--cache-folder",
    "--cwd",
    "--modules-folder",
    "--mutex",
    "--network-concurrency",
    "--network-timeout",
    "--registry",
)
"""yarn install, of Yarn 1."""

GEM_VALUED = (
    "-B",
    "-i",
    "-n",
    "-P",
    "-s",
    "--bindir",
    "--build-root",
    "--bulk-threshold",
    "--config-file",
    "--install-dir",
    "--platform",
    "--source",
    "--target-rbconfig",
    "--trust-policy",
    "--without",
)
"""gem help install."""

_GO_VALUED = (
    "C",
    "asmflags",
    "buildmode",
    "compiler",
    "covermode",
    "coverpkg",
    "exec",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "o",
    "overlay",
    "p",
    "pgo",
    "pkgdir",
    "tags",
    "toolexec",
)
GO_VALUED = tuple(dash + name for name in _GO_VALUED for dash in ("-", "--"))
"""go help build, go help run."""

DNF = ("dnf", "dnf5", "microdnf")
"""What dnf is called; microdnf is the small one of minimal images."""

_ASSUME_YES = lazy(r"(--setopt=)?(\*\.)?assumeyes=(1|yes|true|on)", re.IGNORECASE)
_VERSION_PARTS = lazy(r"[\w.~^:+]*", re.ASCII)
_VARIABLE = lazy(r"\$\{?(\w+)", re.ASCII)

_MAX_NESTING = 4
_SUBSTITUTION = lazy(r"\$\([^()]*\)|`[^`]*`")


def literal(word: str) -> str:
    """A word without its command substitutions, whose text says nothing about what they give."""
    for _ in range(_MAX_NESTING if "$(" in word or "`" in word else 0):
        word = _SUBSTITUTION.sub("", word)
    return word


def may_be_pip(names: Iterable[str]) -> bool:
    """Whether one of these commands may be pip, or run it: Python, or uv."""
    return any(name.startswith(("pip", "py", "uv")) for name in names)


def pip_install(command: Command, name: str) -> Word | None:
    """The word `install` of a command of pip (or pipx, by the same options), None for any other command."""
    values = [word.value for word in command.args]
    is_pip = name.startswith("pip") and not name.startswith("pipenv")
    if not is_pip and (name.startswith(("python", "pypy")) or name == "py"):
        is_pip = "-mpip" in values or ("-m", "pip") in pairwise(values)
    # `pip help install` shows a text.
    word = command.any("install", "help") if is_pip else None
    return word if word and word.value == "install" else None


def assumes_yes(command: Command) -> bool:
    """Whether yum or dnf asks nothing."""
    return command.flag("y", "assumeyes") is not None or any(
        _ASSUME_YES.fullmatch(arg.value) for arg in command.args
    )


def loose_rpms(command: Command, variables: Collection[str]) -> Iterator[tuple[Word, str]]:
    """Where a `yum install` or `dnf install` takes any version, and what to do: no `name-version`, file or group.

    A module has a stream (`name:stream`). A variable of the build (`variables`) may hold the version.
    """
    words = command.positional(*RPM_VALUED)
    names = [word for word in words if word.value != "install"]
    kind = words[0].value if words else ""
    if kind in ("group", "groups", "grp"):
        return
    if kind == "module":
        loose = [word for word in names[1:] if ":" not in word.value]
        what, example = "stream", "module:stream"
    else:
        loose = [word for word in names if not _is_pinned_rpm(word.value, variables)]
        what, example = "version", "package-version"
    if loose:
        yield loose[0], f"Pin the {what} of {listed(word.value for word in loose)}: `{example}`"


def _is_pinned_rpm(package: str, variables: Collection[str]) -> bool:
    if package.endswith(".rpm") or package.startswith("@"):
        return True
    _, dash, rest = package.partition("-")
    if not dash:
        return False
    if any(name in variables for name in _VARIABLE.findall(package)):
        return True
    parts = rest.split("-")
    return all(_VERSION_PARTS.fullmatch(part) for part in parts) and any(part[:1].isdigit() for part in parts)
