"""A thousand different Dockerfiles, the same every time, written the way people write them.

Every file is one that hadolint parses, so that both linters do the whole of their work.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

Lines = list[str]

BASES = {
    "apt": ("debian:12", "debian:bookworm-slim", "ubuntu:24.04", "ubuntu", "python:3.12-slim", "node:22"),
    "apk": ("alpine:3.20", "alpine", "node:22-alpine", "python:3.12-alpine3.20", "golang:1.23-alpine"),
    "yum": ("fedora:41", "rockylinux:9", "almalinux:9.4"),
}
PACKAGES = ("bash", "ca-certificates", "curl", "gcc", "git", "gnupg", "jq", "libpq-dev", "make", "openssl")
PYTHON = ("flask", "gunicorn==22.0.0", "requests", "sqlalchemy>=2", "uvicorn[standard]==0.30.1")
URLS = ("https://downloads.example.com/tool.tar.gz", "https://packages.example.org/setup.sh")


def write(folder: Path, count: int = 1000, seed: int = 20240210) -> list[Path]:
    """Write `count` files into `folder`, answer their paths, sorted."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = folder / f"{number:04}.Dockerfile"
        path.write_text("\n".join(_dockerfile(chance)) + "\n")
        paths.append(path)
    return paths


def _dockerfile(chance: random.Random) -> Lines:
    lines: Lines = ["# syntax=docker/dockerfile:1"] if chance.random() < 0.3 else []
    if chance.random() < 0.3:
        lines += ["ARG VERSION=1.4.2", ""]
    builders = [f"build{n}" for n in range(chance.choice((0, 0, 1, 1, 2)))]
    for name in builders:
        lines += [*_stage(chance, name), ""]
    lines += _stage(chance, "")
    for name in builders:
        lines.append(f"COPY --from={name} /src/dist /srv/{name}")
    return lines + _ending(chance)


def _stage(chance: random.Random, name: str) -> Lines:
    manager = chance.choices(list(BASES), (5, 3, 1))[0]
    lines = [f"FROM {chance.choice(BASES[manager])}" + (f" AS {name}" if name else "")]
    if chance.random() < 0.2:
        lines.append('SHELL ["/bin/bash", "-o", "pipefail", "-c"]')
    if chance.random() < 0.15:
        lines.append("MAINTAINER Platform Team <platform@example.com>")
    if chance.random() < 0.6:
        lines += [f"ENV APP_HOME=/srv/app \\\n    LANG=C.UTF-8 TIER={chance.choice(('web', 'worker'))}"]
    lines.append(_install(chance, manager))
    lines.append(f"WORKDIR {chance.choice(('/src', '/srv/app', 'app'))}")
    steps: list[Callable[[random.Random], str]] = [_copy, _pip, _npm, _download, _script, _user]
    for step in chance.sample(steps, k=chance.randint(2, 5)):
        lines.append(step(chance))
        if chance.random() < 0.2:
            lines += ["", "# " + chance.choice(("keep this layer small", "see the handbook", "TLS roots"))]
    return lines


def _install(chance: random.Random, manager: str) -> str:
    packages = sorted(chance.sample(PACKAGES, k=chance.randint(2, 6)))
    if manager == "apk":
        flag = chance.choice(("--no-cache ", ""))
        return f"RUN apk add {flag}" + " ".join(packages)
    if manager == "yum":
        return "RUN dnf install -y " + " ".join(packages) + " && dnf clean all"
    flags = chance.choice(("-y", "-y --no-install-recommends", "-qq"))
    separator = " \\\n      "
    tidy = chance.choice(("", " \\\n && rm -rf /var/lib/apt/lists/*"))
    return f"RUN apt-get update && apt-get install {flags}{separator}{separator.join(packages)}{tidy}"


def _copy(chance: random.Random) -> str:
    return chance.choice(
        ("COPY . .", "ADD . /src/", "COPY --chown=1000:1000 src/ ./src/", 'COPY ["a file", "dist/"]')
    )


def _pip(chance: random.Random) -> str:
    flag = chance.choice(("--no-cache-dir ", ""))
    wanted = chance.choice(("-r requirements.txt", " ".join(chance.sample(PYTHON, k=2))))
    return f"RUN pip install {flag}{wanted}"


def _npm(chance: random.Random) -> str:
    return chance.choice(
        ("RUN npm ci && npm run build", "RUN cd web && npm install && npm cache clean --force")
    )


def _download(chance: random.Random) -> str:
    url = chance.choice(URLS)
    return chance.choice(
        (
            f"RUN curl -fsSL {url} | tar -xz -C /usr/local",
            f"RUN set -eux; curl -fsSLo /tmp/x {url}; \\\n    sh /tmp/x; \\\n    rm -f /tmp/x",
            f"ADD {url} /tmp/",
        )
    )


def _script(chance: random.Random) -> str:
    return chance.choice(
        (
            'RUN if [ "$TIER" = web ]; then \\\n      mkdir -p /var/www; \\\n    else \\\n      exit 0; \\\n    fi',
            "RUN for d in logs cache tmp; do mkdir -p $APP_HOME/$d; done && chmod -R 0755 $APP_HOME",
            "RUN find / -name '*.pyc' -delete; ls -la | grep -v total | wc -l",
            "RUN <<EOT\nset -e\nuseradd --create-home app\nchown -R app /srv\nEOT\n",
        )
    )


def _user(chance: random.Random) -> str:
    return chance.choice(("USER app", "USER root", "USER 1000:1000", "RUN sudo chown app /srv"))


def _ending(chance: random.Random) -> Lines:
    return chance.choice(
        (
            ["EXPOSE 8000", 'CMD ["gunicorn", "app:app"]'],
            ["EXPOSE 8080/tcp 9090", "CMD npm start"],
            ['ENTRYPOINT ["/usr/local/bin/app"]', 'CMD ["--help"]'],
            ["HEALTHCHECK --interval=30s CMD curl -f http://localhost/ || exit 1", "ENTRYPOINT exec app"],
        )
    )
