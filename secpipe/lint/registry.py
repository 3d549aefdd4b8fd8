"""Which registry an image comes from, and whether that is a trusted one.

Source: the reference grammar of distribution/reference: what stands before the first slash is a registry when it has a dot
or a colon or is localhost; an image without one comes from Docker Hub, and one without a folder from its `library`.
"""

from __future__ import annotations

from collections.abc import Iterable

from secpipe.lint.image import split

_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"})
"""The names under which people know Docker Hub."""


def is_trusted(image: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is for the image.

    A pattern is a registry, with `*` for the rest of its name at one end or both, or a registry, a slash and a folder.
    A registry that a variable names is known only to a build: nothing but `*` trusts it.
    """
    host, path = _registry(image)
    return any(pattern == "*" or _matches(pattern, host, path) for pattern in patterns)


def _registry(image: str) -> tuple[str, str]:
    """Registry and path of an image, '' for a registry that is not known."""
    name = split(image).name
    host, slash, path = name.partition("/")
    # Without a slash, text in front makes it the name of an image or a stage.
    if "$" in host and (slash or host.startswith("$")):
        return "", path
    if not slash:
        return "docker.io", f"library/{name}"
    if "." in host or ":" in host or host == "localhost":
        return host.lower(), path if "/" in path or host not in _HUB else f"library/{path}"
    return "docker.io", name


def _matches(pattern: str, host: str, path: str) -> bool:
    registry, _, folder = pattern.partition("/")
    registry, folder = registry.lower(), folder.rstrip("/*")
    if folder and not f"{path}/".startswith(f"{folder}/"):
        return False
    if registry in _HUB:
        return host in _HUB
    core = registry.strip("*")
    if registry.startswith("*"):
        return core in host if registry.endswith("*") else bool(host) and host.endswith(core)
    return host.startswith(core) if registry.endswith("*") else host == registry
