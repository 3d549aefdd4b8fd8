"""SP1001: an image that runs as root because nothing says otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.image import official, split
from secpipe.lint.scope import Context, default_shell
from secpipe.model.pattern import lazy

_TELLING = ("nonroot", "non-root", "rootless", "unprivileged", "chiseled")
_UNPRIVILEGED = lazy(
    r"^(?:docker\.io/)?(?:bitnami(?:legacy|secure)?|jupyter|selenium|cimg|circleci|jenkins|prom|mambaorg|linuxbrew|homebrew"
    r"|coqorg|ocaml|grafana|nodered|openpolicyagent|hashicorp/http-echo)/"
    r"|^quay\.io/(?:jupyter|keycloak|prometheus|strimzi)/|^(?:docker\.io/)?(?:rocm/jax|sonarsource/sonar-scanner-cli)"
    r"|^cgr\.dev/chainguard/(?!wolfi-base)|^docker\.elastic\.co/|^mcr\.microsoft\.com/mssql/"
    r"|^registry\.(?:access\.)?redhat\.com/(?:ubi\d+|rhscl|jboss[^/]*|openjdk|rhel\d+)/(?:[a-z.]+-\d|s2i|openjdk|nginx|httpd)"
    r"|^(?:docker\.io/|quay\.io/)?(?:centos|sclorg|openshift)/[a-z0-9-]+-centos\d|(?:^|/)(?:rhscl/)?s2i-(?:base|core)"
)
"""Bases that are known to set a USER, in lower case: those in a folder, and `s2i-base`."""
_DROPS = frozenset(
    {
        "cassandra",
        "couchdb",
        "elasticsearch",
        "ghost",
        "influxdb",
        "jetty",
        "kibana",
        "logstash",
        "mariadb",
        "memcached",
        "mongo",
        "mysql",
        "neo4j",
        "percona",
        "postgres",
        "rabbitmq",
        "redis",
        "rethinkdb",
        "solr",
        "sonarqube",
        "valkey",
        "varnish",
        "vault",
        "zookeeper",
    }
)
"""Official images that have a USER, or whose entrypoint gives root up."""
_DROPPERS = ("gosu", "su-exec", "setpriv", "runuser", "chpst", "s6-overlay", "fixuid", "setuidgid")
_DROPPER = lazy(r"\b(?:s6-setuidgid|" + "|".join(map(re.escape, _DROPPERS)) + r")\b")


@check(STAGE)
def runs_as_root(stage: Stage, context: Context) -> Iterator[Found]:
    """The last stage, when neither it nor the stages that it is based on have a USER, nor the base is known to have one."""
    stages = context.dockerfile.stages
    if stage.index != len(stages) - 1:
        return
    root, instructions = stage, context.instructions(stage.index)[1:]
    while root.parent is not None:
        root = stages[root.parent]
        instructions += context.instructions(root.index)[1:]
    text = context.dockerfile.source.text
    drops = any(word in text for word in _DROPPERS)
    for instruction in instructions:
        # A USER, also one for the images built on this one, or a program that gives root up at the start.
        if (instruction.trigger or instruction).keyword == "USER":
            return
        if drops and _DROPPER.search(text, instruction.start, instruction.end):
            return
    starts = any(instruction.keyword in ("CMD", "ENTRYPOINT") for instruction in instructions)
    base = root.resolved or root.base.value
    if base == "scratch" and not starts:
        return
    if default_shell(root, context.dockerfile.escape).is_windows or _is_unprivileged(base, instructions):
        return
    user = "root"
    if base != "scratch" and not official(split(base).name):
        user = f"the user of {quoted(base)}, root unless that sets one"
    yield stage.base, f"No USER: the image runs as {user}; end the stage with one that is not root"


def _is_unprivileged(base: str, instructions: list[Instruction]) -> bool:
    if official(split(base).name) in _DROPS:
        return not any(instruction.keyword == "ENTRYPOINT" for instruction in instructions)
    base = base.lower()
    if any(word in base for word in _TELLING):
        return True
    return ("/" in base or base.startswith("s2i-")) and _UNPRIVILEGED.search(base) is not None
