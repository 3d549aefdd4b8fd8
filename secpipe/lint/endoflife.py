"""Which releases of a base image are past their end of life, told by its name and tag.

The dates are in `model/releases.py`. They are compared with the day of that data, not with today: a file that was clean
stays clean until secpipe itself is updated.
"""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.image import ImageName, official
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy
from secpipe.model.releases import CODENAMES, CURRENT, ENDED

_OFFICIAL_IMAGES = {
    "almalinux": "AlmaLinux",
    "alpine": "Alpine",
    "amazonlinux": "Amazon Linux",
    "centos": "CentOS",
    "debian": "Debian",
    "elasticsearch": "Elasticsearch",
    "fedora": "Fedora",
    "golang": "Go",
    "mariadb": "MariaDB",
    "mongo": "MongoDB",
    "mysql": "MySQL",
    "nginx": "nginx",
    "node": "Node.js",
    "php": "PHP",
    "postgres": "PostgreSQL",
    "python": "Python",
    "rabbitmq": "RabbitMQ",
    "redis": "Redis",
    "rockylinux": "Rocky Linux",
    "ruby": "Ruby",
    "tomcat": "Tomcat",
    "ubuntu": "Ubuntu",
}
_OTHER_IMAGES = {
    "opensuse/leap": "openSUSE Leap",
    "nginxinc/nginx-unprivileged": "nginx",
    "quay.io/centos/centos": "CentOS",
    "public.ecr.aws/amazonlinux/amazonlinux": "Amazon Linux",
    "docker.elastic.co/elasticsearch/elasticsearch": "Elasticsearch",
    "registry.fedoraproject.org/fedora": "Fedora",
    "quay.io/fedora/fedora": "Fedora",
    **{
        f"mcr.microsoft.com/dotnet/{part}{image}": ".NET"
        for part in ("", "core/", "nightly/")
        for image in ("aspnet", "runtime", "runtime-deps", "sdk", "monitor")
    },
}
_SUCCESSORS = {"CentOS": "AlmaLinux, Rocky Linux or CentOS Stream"}
_VERSION = lazy(r"v?(\d++(?:\.\d++)*+)(?![a-z])")
_STREAM = lazy(r"stream(\d+)")
_CENTOS = lazy(r"centos(\d+)")
_ALPINE = lazy(r"-alpine(\d+\.\d+)")


class Ended(NamedTuple):
    """A release that is past its end of life: `day` is the last one with updates, `successor` what to take instead."""

    product: str
    release: str
    day: str
    successor: str


def ended(image: ImageName) -> Ended | None:
    """What of an image is past its end of life: its own product, or the distribution that its tag names."""
    return next(filter(None, (_look_up(*named) for named in _named(image))), None)


def _named(image: ImageName) -> Iterator[tuple[str, str]]:
    """The products and releases that a reference names."""
    name, tag = official(image.name), image.tag or ""
    product = _OFFICIAL_IMAGES.get(name) or _OTHER_IMAGES.get(image.name.removeprefix("docker.io/"), "")
    if product == "CentOS":
        stream, old = _STREAM.match(tag), _CENTOS.match(tag)
        if stream:
            yield "CentOS Stream", stream[1]
            return
        if old:
            yield product, old[1]
        elif tag in ("", "latest") and not image.digest:
            yield product, "8"
    if product and (version := _VERSION.match(tag)):
        yield product, version[1]
    if not product and not name:
        return
    if alpine := _ALPINE.search(tag):
        yield "Alpine", alpine[1]
    if product in ("", "Debian", "Ubuntu") or name:
        yield from (CODENAMES[part] for part in tag.split("-") if part in CODENAMES)


def _look_up(product: str, version: str) -> Ended | None:
    """A release by its version, which may say more (`3.7.2`) or less (`2`) than the release's name."""
    releases, current = ENDED[product], CURRENT[product]
    parts = version.split(".")
    for count in range(len(parts), 0, -1):
        release = ".".join(parts[:count])
        if release in current:
            return None
        if release in releases:
            return Ended(product, release, releases[release], _successor(product))
    within = [name for name in releases if name.startswith(f"{version}.")]
    if not within or any(name.startswith(f"{version}.") for name in current):
        return None
    return Ended(product, version, max(releases[name] for name in within), _successor(product))


def _successor(product: str) -> str:
    return _SUCCESSORS.get(product) or f"{product} {CURRENT[product][0]}"
