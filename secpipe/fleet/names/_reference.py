"""References as people and programs write them into lists and manifests, in their canonical form or with what is wrong."""

from __future__ import annotations

from secpipe.errors import InvalidReference
from secpipe.fleet.names._values import Asked, Found
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.oci import reference
from secpipe.oci.target import kind_of

# What is canonical already, as nearly all of a long list is: this is several times faster than taking it apart.
_CANONICAL = lazy(
    r"(?!(?:index\.)?docker\.io/)[a-z0-9]+(?:[.-][a-z0-9]+)*\.[a-z]+(?::[1-9][0-9]{0,3})?"
    r"(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*){1,8}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
)
_MAX_CANONICAL = 255
_PATTERN = lazy(r"\*|:[ \t]*[<>=^~]")
_VARIABLE = lazy(r"\{\{|\$[({A-Za-z_]|%[A-Z_]+%|@[A-Z_]+@|<[A-Za-z_-]+>")


def written(text: str, by: str) -> Found | Asked | Problem:
    """What a person means by a line or an argument: an image of a registry, a pattern of such, or a mistake.

    The kinds of targets that a scan takes are no members of a fleet, whatever files there are.
    """
    if len(text) <= _MAX_CANONICAL and _CANONICAL.fullmatch(text):
        return Found(text, by)
    # Skopeo's for an image in a registry, which no kind of target begins with.
    if text.startswith("docker://"):
        return canonical(text, by)
    if kind := kind_of(text):
        return _of_kind(text, kind, by)
    if text.startswith((".", "/", "~", "-")) or "\\" in text:
        if text.startswith("- "):
            return _none(text, by, "it begins with a dash", "write the image alone into its line")
        return _none(
            text, by, "it is a path", "a fleet has images in registries: scan this one with secpipe scan"
        )
    if _PATTERN.search(text):
        return Asked("catalog", text, by)
    return canonical(text, by)


def canonical(text: str, by: str, where: str = "") -> Found | Problem:
    """A reference to an image in a registry, or what is wrong with it; `where` is the file, unless `by` names it."""
    if len(text) <= _MAX_CANONICAL and _CANONICAL.fullmatch(text):
        return Found(text, by)
    try:
        return Found(str(reference.parse(text)), by)
    except InvalidReference as error:
        hint = error.hint
        if _VARIABLE.search(text):
            hint = "put values in the place of variables before"
        elif text.endswith(":"):
            hint = "write its tag; quote a range, as a shell takes < and > for its own: 'app:>=1.2 <2'"
        elif text.startswith("ko://"):
            hint = "ko makes an image of it: ko resolve -f FILE | secpipe fleet scan --kubernetes -"
        place = f"{where}: {by}" if where else by
        return Problem("invalid-reference", where or by, f"{place}: {error.message}", hint)


def _of_kind(text: str, kind: str, by: str) -> Found | Asked | Problem:
    rest = text[len(kind) + 1 :]
    if kind == "registry" and ("/" in rest or ":" in rest):
        return Asked("catalog", rest, by) if _PATTERN.search(rest) else canonical(rest, by)
    # Docker Hub has images called docker and registry: to guess which is meant would be to scan another one in silence.
    hint = "a fleet has images in registries: scan this one with secpipe scan"
    try:
        image = reference.parse(text)
    except InvalidReference:
        if "/" not in rest and _PATTERN.search(text):
            hint = f"a fleet has images in registries: for those of that name write docker.io/library/{text[:200]}"
        return _none(text, by, f"{kind}: is another kind of target", hint)
    return _none(
        text, by, f"{kind}: is a kind of target", f"{hint}; for the image of that name write {image}"
    )


def _none(text: str, by: str, why: str, hint: str) -> Problem:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return Problem("not-in-a-registry", by, f"{by}: {shown!r} is no image in a registry: {why}", hint)
