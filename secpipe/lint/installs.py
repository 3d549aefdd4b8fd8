"""Commands that install dependencies: from a manifest of the project, or with a cache that a mount could keep."""

from __future__ import annotations

from collections.abc import Mapping

from secpipe.dockerfile.shell import Command
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_REQUIREMENTS = ("-r", "--requirement")
_NPM = (
    "--prefix",
    "--registry",
    "--cache",
    "--loglevel",
    "--userconfig",
    "--omit",
    "--include",
    "-w",
    "--workspace",
)
_YARN = (
    "--cwd",
    "--registry",
    "--cache-folder",
    "--network-timeout",
    "--modules-folder",
    "--network-concurrency",
    "--mutex",
)
_MANIFESTS: Mapping[str, str] = {
    "npm": "package.json and package-lock.json",
    "yarn": "package.json and yarn.lock",
    "pnpm": "package.json and pnpm-lock.yaml",
    "bun": "package.json and bun.lock",
    "pip": "the requirements file",
    "poetry": "pyproject.toml and poetry.lock",
    "pipenv": "Pipfile and Pipfile.lock",
    "uv": "pyproject.toml and uv.lock",
    "bundle": "Gemfile and Gemfile.lock",
    "composer": "composer.json and composer.lock",
    "go": "go.mod and go.sum",
    "cargo": "Cargo.toml and Cargo.lock",
    "mvn": "pom.xml",
    "dotnet": "the project files",
    "mix": "mix.exs and mix.lock",
}
_SUBCOMMANDS: Mapping[str, frozenset[str]] = {
    "npm": frozenset({"install", "i", "ci", "clean-install"}),
    "yarn": frozenset({"install"}),
    "pnpm": frozenset({"install", "i", "fetch"}),
    "bun": frozenset({"install", "i"}),
    "poetry": frozenset({"install"}),
    "pipenv": frozenset({"install", "sync"}),
    "uv": frozenset({"sync"}),
    "bundle": frozenset({"install"}),
    "composer": frozenset({"install", "i", "update"}),
    "cargo": frozenset({"fetch"}),
    "mvn": frozenset({"dependency:go-offline", "dependency:resolve"}),
    "dotnet": frozenset({"restore"}),
    "mix": frozenset({"deps.get"}),
}
_CACHES: Mapping[str, tuple[frozenset[str], str]] = {
    "apt-get": (frozenset({"install", "upgrade", "dist-upgrade"}), "/var/cache/apt"),
    "apt": (frozenset({"install", "upgrade"}), "/var/cache/apt"),
    "apk": (frozenset({"add"}), "/var/cache/apk"),
    "dnf": (frozenset({"install", "update", "upgrade"}), "/var/cache/dnf"),
    "microdnf": (frozenset({"install", "update"}), "/var/cache/yum"),
    "yum": (frozenset({"install", "update"}), "/var/cache/yum"),
    "zypper": (frozenset({"install", "in"}), "/var/cache/zypp"),
    "pip": (frozenset({"install"}), "/root/.cache/pip"),
    "poetry": (frozenset({"install"}), "/root/.cache/pypoetry"),
    "pipenv": (frozenset({"install", "sync"}), "/root/.cache"),
    "uv": (frozenset({"sync", "pip"}), "/root/.cache/uv"),
    "npm": (frozenset({"install", "i", "ci"}), "/root/.npm"),
    "yarn": (frozenset({"install"}), "/usr/local/share/.cache/yarn"),
    "pnpm": (frozenset({"install", "i", "fetch"}), "/root/.local/share/pnpm/store"),
    "go": (frozenset({"build", "install", "mod", "test", "get"}), "/root/.cache/go-build and /go/pkg/mod"),
    "cargo": (frozenset({"build", "install", "fetch"}), "/usr/local/cargo/registry"),
    "mvn": (frozenset({"package", "install", "verify", "compile", "dependency:go-offline"}), "/root/.m2"),
    "gradle": (frozenset({"build", "assemble", "jar", "bootJar"}), "/root/.gradle"),
    "bundle": (frozenset({"install"}), "/usr/local/bundle/cache"),
    "composer": (frozenset({"install", "update"}), "/root/.composer/cache"),
    "dotnet": (frozenset({"restore", "build", "publish"}), "/root/.nuget/packages"),
}
_OTHER_NAMES = {"mvnw": "mvn", "gradlew": "gradle", "yarnpkg": "yarn", "bundler": "bundle"}
_PIP = lazy(r"pip[\d.]*")


class Install(NamedTuple):
    """A command that installs what a manifest of the project names: the tool, and the files that it reads."""

    tool: str
    manifests: str


def from_manifest(command: Command, name: str) -> Install | None:
    """Whether a command installs what a manifest says, and nothing that the command line names."""
    tool, words = _tool(command, name)
    if tool not in _MANIFESTS or command.flag("help", "version", "g", "global"):
        return None
    if tool == "pip":
        reads = any(
            a.value in _REQUIREMENTS and "://" not in b.value
            for a, b in zip(command.args, command.args[1:], strict=False)
        )
        is_meant = bool(words) and words[0] == "install" and reads
    elif tool == "go":
        is_meant = words == ["mod", "download"]
    elif tool in ("yarn", "bundle") and not words:
        is_meant = True
    else:
        is_meant = bool(words) and words[0] in _SUBCOMMANDS[tool]
        is_meant = is_meant and (len(words) == 1 or tool in ("dotnet", "bundle", "composer", "mvn"))
    return Install(tool, _MANIFESTS[tool]) if is_meant else None


def cached_by(command: Command, name: str) -> str:
    """The folder in which a command that installs or builds keeps its cache, '' for any other command."""
    tool, words = _tool(command, name)
    if tool == "yarn" and not words and not command.flag("help", "version"):
        return _CACHES[tool][1]
    subcommands, folder = _CACHES.get(tool, (frozenset(), ""))
    return folder if any(word in subcommands for word in words[:4]) else ""


def _tool(command: Command, name: str) -> tuple[str, list[str]]:
    """The tool and its arguments without flags: pip for `pip3` and `python -m pip`, mvn for `./mvnw`."""
    base = name.rpartition("/")[2]
    tool = _OTHER_NAMES.get(base, base)
    is_python = name.startswith("python")
    if tool not in _CACHES and tool not in _MANIFESTS and not is_python and not _PIP.fullmatch(name):
        return "", []
    words = [word.value for word in command.positional(*_NPM, *_YARN)]
    if _PIP.fullmatch(name):
        return "pip", words
    if is_python and len(command.args) > 1 and command.args[0].value == "-m":
        return ("pip", words[1:]) if words[:1] == ["pip"] else ("", [])
    return tool, words
