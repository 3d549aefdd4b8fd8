"""The one entry for whoever wants an image: recognises what a target is and opens its source.

`KIND:REST` names the kind; without one, an existing path is recognised by its content and anything else is a
reference to a registry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from secpipe.errors import ImageError, InvalidReference, SecpipeError, UndecidedError, UsageError
from secpipe.model.image import Descriptor, Image, Layer, Platform
from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.oci import folders, layout, reference
from secpipe.oci import platform as platforms
from secpipe.oci.image import Candidate, find
from secpipe.oci.progress import followed

if TYPE_CHECKING:
    from secpipe.oci.client import Registry
    from secpipe.oci.credentials import Credentials
    from secpipe.oci.link import Links


class Options(Struct, frozen=True):
    """How to open a target: one platform or `every` one, limits; for a registry, who asks and if plain HTTP is declared;
    who is told of what is read; the connections that others use, too."""

    platform: Platform | None = None
    every: bool = False
    limits: Limits = field(default_factory=Limits)
    credentials: Credentials | None = None
    authfile: Path | None = None
    insecure: bool = False
    progress: Progress | None = None
    links: Links | None = None


@contextmanager
def open_image(
    target: str,
    *,
    platform: str | None = None,
    credentials: Credentials | None = None,
    authfile: Path | None = None,
    insecure: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
    links: Links | None = None,
) -> Iterator[Image]:
    """The image that `target` names, with its layers readable until the context ends.

    `platform` is `os/architecture[/variant]`; None means this machine's architecture where there is a choice.
    `credentials` win over those found in files; `authfile` is the only file looked into when given. `insecure`
    declares that the registry may be spoken to without TLS or with a certificate that nobody vouches for. `progress`
    is told of what is read. `links` keep the connections and tokens of a registry for the next image, with the same
    credentials.
    Raises UsageError for a wrong target, UndecidedError and its kinds when the image cannot be read.
    """
    wanted = platforms.parse(platform) if platform else None
    options = Options(wanted, False, limits or Limits(), credentials, authfile, insecure, progress, links)
    opener, rest = _recognise(target)
    with opener(rest, target, options) as (found,):
        yield followed(found, progress).open()


@contextmanager
def open_images(
    target: str,
    *,
    credentials: Credentials | None = None,
    authfile: Path | None = None,
    insecure: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
    links: Links | None = None,
) -> Iterator[Sequence[Candidate]]:
    """The images of all platforms that `target` names, each yet to be opened; otherwise as `open_image`."""
    options = Options(None, True, limits or Limits(), credentials, authfile, insecure, progress, links)
    opener, rest = _recognise(target)
    with opener(rest, target, options) as found:
        yield [followed(candidate, progress) for candidate in found]


@contextmanager
def _open_layout(rest: str, target: str, options: Options) -> Iterator[Sequence[Candidate]]:
    path, name = split_path(rest)
    if not path.is_dir():
        kind = "docker-archive" if _holds_listing(path, options) else "oci-archive"
        raise UsageError(f"{path} is no directory, and oci: takes one", f"write {kind}:{rest}")
    if flaw := folders.flaw(path):
        raise ImageError(f"{path} {flaw[0]}", flaw[1] + _otherwise(target))
    files = layout.Directory(path)
    yield layout.open_layout(
        files, name, shown=target, wanted=options.platform, every=options.every, limits=options.limits
    )


@contextmanager
def _open_folder(rest: str, target: str, options: Options) -> Iterator[Sequence[Candidate]]:
    """A root filesystem, for which nobody vouches with a digest and which does not say what platform it is for."""
    path = Path(rest)
    if not path.is_dir():
        raise UsageError(f"{path} is no directory, and dir: takes one", f"write {rest}, or an archive's kind")
    if (kind := folders.kind(path)) in (folders.LAYOUT, "bundle"):
        better = f"oci:{rest}" if kind == folders.LAYOUT else f"dir:{path / 'rootfs'}"
        raise UsageError(f"{path} is no root filesystem but holds one", f"write {better}")
    platform = options.platform or Platform("linux", "unknown")
    layer = Layer(0, Descriptor("", "", 0), "", None, lambda: iter(()), folder=path)
    image = Image(target, "", platform, (layer,))
    yield [Candidate("", lambda: image)]


@contextmanager
def _open_engine(
    rest: str, target: str, options: Options, kind: Literal["docker", "podman"]
) -> Iterator[Sequence[Candidate]]:
    from secpipe.oci.archive import open_docker_archive
    from secpipe.oci.engine import medium
    from secpipe.oci.tarfiles import TarFiles

    wanted = options.platform
    try:
        exported = medium(kind, rest, wanted, options.limits, options.progress)
    except UndecidedError as error:
        if "/" not in rest and _is_reference(target):
            error.hint += f"; for the image {target} of Docker Hub write registry:{target}"
        raise
    with closing(TarFiles(exported, options.limits, options.progress)) as files:
        yield open_docker_archive(files, "", shown=target, wanted=wanted, limits=options.limits)


def _holds_listing(path: Path, options: Options) -> bool:
    from secpipe.oci.media import File
    from secpipe.oci.tarfiles import TarFiles

    try:
        with closing(TarFiles(File(path), options.limits)) as files:
            return files.size("manifest.json") is not None and files.size("oci-layout") is None
    except SecpipeError:
        return False


@contextmanager
def _open_tar(rest: str, target: str, options: Options, kind: str = "") -> Iterator[Sequence[Candidate]]:
    """An image in a tar, whose kind is told by its content. `docker load` goes by manifest.json, so do we."""
    from secpipe.oci.archive import open_docker_archive
    from secpipe.oci.media import File, Medium, standard_input
    from secpipe.oci.tarfiles import TarFiles

    medium: Medium
    if stdin := _STDIN.fullmatch(rest):
        name = stdin[1] or stdin[2] or ""
        medium = standard_input(options.limits, options.progress)
    else:
        path, name = split_path(rest)
        if path.is_dir():
            is_layout = folders.kind(path) == folders.LAYOUT
            hint = f"write oci:{rest}" if is_layout else "name the tar that the image was exported to"
            raise UsageError(f"{path} is a directory, and {_ARCHIVES[kind]}: takes a tar", hint)
        medium = File(path)
    with closing(TarFiles(medium, options.limits, options.progress)) as files:
        kinds = {"manifest.json": open_docker_archive, "oci-layout": layout.open_layout}
        found = next((name for name in (kind, *kinds) if name and files.size(name) is not None), "")
        if not found:
            raise ImageError(f"{files.where} {files.flaw() or _NO_ARCHIVE}", _EXPORT)
        if kind and found != kind:
            raise UsageError(
                f"{files.where} is no {_ARCHIVES[kind]} (it has no {kind})",
                f"write {_ARCHIVES[found]}:{rest}",
            )
        several = options.every or options.platform
        if not kind and several and found == "manifest.json" and files.size("oci-layout") is not None:
            # manifest.json names one platform's image, which must be one of those that the index names.
            open_docker_archive(files, name, shown=target, wanted=None, limits=options.limits)
            found = "oci-layout"
        try:
            images = kinds[found](
                files, name, shown=target, wanted=options.platform, every=options.every, limits=options.limits
            )
        except UsageError as error:
            if stdin:
                error.hint += f"; for standard input that is {_ARCHIVES[found]}:-:NAME"
            raise
        yield images


@contextmanager
def _open_registry(rest: str, target: str, options: Options) -> Iterator[Sequence[Candidate]]:
    named = reference.parse(rest)
    with ExitStack() as stack:
        try:
            registry = stack.enter_context(closing(_registry(named, options)))
            images = find(
                registry,
                named.identifier,
                reference=target,
                wanted=options.platform,
                every=options.every,
                limits=options.limits,
            )
        except UndecidedError as error:
            if rest == target and (beside := _beside(target)):
                error.hint = f"{error.hint}; {beside}"
            raise
        notes = registry.notes
        yield (
            [replace(one, open=partial(_with_notes, one.open, notes)) for one in images] if notes else images
        )


def _with_notes(open: Callable[[], Image], notes: tuple[Problem, ...]) -> Image:
    return replace(open(), notes=notes)


@contextmanager
def open_registry(
    target: str,
    *,
    credentials: Credentials | None = None,
    authfile: Path | None = None,
    insecure: bool = False,
    limits: Limits | None = None,
) -> Iterator[tuple[Registry, reference.Reference]]:
    """The registry that `target` is an image of, and no mirror of it, with the image's reference.

    UsageError for any other target.
    """
    opener, rest = _recognise(target)
    if opener is not _open_registry:
        raise UsageError(f"{target[:200]} is not in a registry", "name it as REGISTRY/REPOSITORY:TAG")
    named = reference.parse(rest)
    options = Options(None, False, limits or Limits(), credentials, authfile, insecure)
    with closing(_registry(named, options, mirrors=False)) as one:
        yield one, named


def registry_reference(target: str) -> reference.Reference | None:
    """The reference that `target` is, with its defaults; None when it is no image of a registry."""
    opener, rest = _recognise(target)
    return reference.parse(rest) if opener is _open_registry else None


def _registry(named: reference.Reference, options: Options, mirrors: bool = True) -> Registry:
    # Imported late: scanning a file needs no HTTP.
    from secpipe.oci.mirrors import connect

    return connect(
        named,
        limits=options.limits,
        given=options.credentials,
        authfile=options.authfile,
        insecure=options.insecure,
        mirrors=mirrors,
        links=options.links,
    )


def _open_path(rest: str, target: str, options: Options) -> AbstractContextManager[Sequence[Candidate]]:
    """A path without a kind, or an archive on standard input."""
    if _STDIN.fullmatch(rest):
        return _open_tar(rest, target, options)
    opener = _open_layout if split_path(rest)[0].is_dir() else _open_tar
    return opener(rest, target, options)


Opener = Callable[[str, str, Options], AbstractContextManager[Sequence[Candidate]]]
_OPENERS: dict[str, Opener] = {
    "dir": _open_folder,
    "docker": partial(_open_engine, kind="docker"),
    "docker-archive": partial(_open_tar, kind="manifest.json"),
    "oci": _open_layout,
    "oci-archive": partial(_open_tar, kind="oci-layout"),
    "podman": partial(_open_engine, kind="podman"),
    "registry": _open_registry,
}
_LISTS = ("sbom",)
_STDIN = lazy(r"-(?::(.*)|(@.*))?", re.DOTALL)
_ARCHIVES = {"": "docker-archive", "manifest.json": "docker-archive", "oci-layout": "oci-archive"}
_ARCHIVE_NAME = lazy(
    r"[^:@]*\.(?:tar(?:\.(?:gz|xz|zst|zstd|bz2|lz4))?|tgz|txz|tzst|tbz2?)(?:[:@].*)?",
    re.DOTALL | re.IGNORECASE,
)
_NO_ARCHIVE = "is a tar but no image archive: it has neither manifest.json nor oci-layout"
_EXPORT = "export the image again, with `docker save -o FILE` or `skopeo copy … oci-archive:FILE`"


def split_path(text: str) -> tuple[Path, str]:
    """`PATH[:NAME]` by what exists: the longest beginning of `text` that is a path, and the rest."""
    cut = len(text)
    while cut > 0:
        if _exists(text[:cut]):
            return Path(text[:cut]), text[cut:].removeprefix(":")
        cut = max(text.rfind(":", 0, cut), text.rfind("@", 0, cut))
    hint = "name an existing path, then :TAG if it holds several images"
    if text.startswith("~"):
        hint = "the shell replaces ~ only where a word begins: write $HOME instead"
    raise UsageError(f"{text[:200]!r} does not exist", hint)


def _exists(text: str) -> bool:
    try:
        Path(text).stat()
    except (OSError, ValueError):
        return False
    return True


def kind_of(target: str) -> str:
    """The kind of target that is written in front of a colon, whatever exists; empty where there is none."""
    kind, colon, rest = target.partition(":")
    return kind if colon and rest and (kind in _OPENERS or kind in _LISTS) else ""


def _recognise(target: str) -> tuple[Opener, str]:
    kind, colon, rest = target.partition(":")
    if colon and rest and (opener := _OPENERS.get(kind)):
        return opener, rest
    if colon and rest and kind in _LISTS:
        hint = f"secpipe scan and secpipe sbom read it; for the image of that name write docker.io/library/{target[:100]}"
        raise UsageError(f"{target[:200]} is a list of packages and no image", hint)
    if _is_path(target):
        return _open_path, target
    if colon and rest and (_exists(rest) or (_ARCHIVE_NAME.fullmatch(rest) and not _names_registry(target))):
        raise UsageError(f"{kind[:100] + ':'!r} is no kind of target", _kinds())
    return _open_registry, target


def _is_path(target: str) -> bool:
    """Whether a target without a kind is a path: by its shape, by what exists, or because it can be nothing else.

    A directory may well be called as an image is, so it counts only when there is an image of some kind in it.
    """
    if (
        target.startswith((".", "/", "~"))
        or _STDIN.fullmatch(target)
        or (target.endswith("/") and _exists(target))
    ):
        return True
    try:
        path, _ = split_path(target)
    except UsageError:
        if _ARCHIVE_NAME.fullmatch(target) and not _names_registry(target):
            hint = f"check the path{_otherwise(target)}"
            raise UsageError(f"there is no file {target[:200]!r}", hint) from None
        return False
    return not path.is_dir() or not _is_reference(target) or bool(folders.kind(path))


def _is_reference(target: str) -> bool:
    try:
        reference.parse(target)
    except InvalidReference:
        return False
    return True


def _names_registry(target: str) -> bool:
    """Whether a reference begins with a registry's host rather than with a directory of ours."""
    host, slash, _ = target.partition("/")
    return bool(slash) and ("." in host or ":" in host or host == "localhost") and not _exists(host)


def _otherwise(target: str) -> str:
    """The other reading of a target that was taken for a path, to end a hint with."""
    if not _is_reference(target):
        return ""
    return f"; if {target[:200]} is an image's name, write registry:{target[:200]}"


def _beside(target: str) -> str:
    """What to add to an error about a reference when something on this machine is called the same."""
    try:
        path, _ = split_path(target)
    except UsageError:
        return ""
    flaw = folders.flaw(path)
    return f"the path {path}, which exists, was not meant, as it {flaw[0]}" if flaw else ""


def _kinds() -> str:
    kinds = ", ".join(f"{kind}:" for kind in sorted([*_OPENERS, *_LISTS]))
    return f"kinds of targets: {kinds}, or a reference such as registry.example/app:1.2"
