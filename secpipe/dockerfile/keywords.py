"""The instructions that BuildKit knows, and the flags that each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

FlagKind = Literal["boolean", "value", "values"]
"""`--link[=true|false]`; `--from=x`, once; `--mount=x`, any number."""

_HEALTHCHECK: Mapping[str, FlagKind] = {
    "interval": "value",
    "timeout": "value",
    "start-period": "value",
    "start-interval": "value",
    "retries": "value",
}

FLAGS: Mapping[str, Mapping[str, FlagKind]] = {
    "ADD": {
        "chown": "value",
        "chmod": "value",
        "link": "boolean",
        "keep-git-dir": "boolean",
        "checksum": "value",
        "unpack": "boolean",
        "exclude": "values",
    },
    "ARG": {},
    "CMD": {},
    "COPY": {
        "chown": "value",
        "from": "value",
        "chmod": "value",
        "link": "boolean",
        "exclude": "values",
        "parents": "boolean",
    },
    "ENTRYPOINT": {},
    "ENV": {},
    "EXPOSE": {},
    "FROM": {"platform": "value"},
    "HEALTHCHECK": _HEALTHCHECK,
    "LABEL": {},
    "MAINTAINER": {},
    "ONBUILD": {},
    "RUN": {"mount": "values", "network": "value", "security": "value", "device": "values"},
    "SHELL": {},
    "STOPSIGNAL": {},
    "USER": {},
    "VOLUME": {},
    "WORKDIR": {},
}

KEYWORDS = frozenset(FLAGS)

PLATFORM_ARGS = frozenset(
    f"{side}{part}"
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "ARCH", "VARIANT", "OSVERSION")
) | {"TARGETSTAGE"}
"""Arguments that BuildKit sets by itself before the first FROM; their values are known only at build time."""
