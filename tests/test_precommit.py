"""The hook for pre-commit: which files it takes, and that pre-commit itself runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secpipe.pipeline.dockerfiles import is_dockerfile

ROOT = Path(__file__).parent.parent
NAMES = [
    "Dockerfile",
    "dockerfile",
    "Containerfile",
    "Dockerfile.prod",
    "Containerfile.dev",
    "Dockerfile.a.b",
    "app.Dockerfile",
    "app.dockerfile",
    "APP.DOCKERFILE",
    "x.Containerfile",
    "x.containerfile",
    "a-b.cOntainerfile",
    ".Dockerfile",
    "Dockerfile.dockerignore",
    "Containerfile.containerignore",
    ".dockerignore",
    "Dockerfiles",
    "Dockerfile.",
    "MyDockerfile",
    "Dockerfile-prod",
    "dockerfile.prod",
    "containerfile",
    "Dockerfile.md",
    "docker-compose.yml",
]


def hook() -> dict[str, Any]:
    import yaml

    (found,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(found, dict)
    return found


def taken(path: str) -> bool:
    """As pre-commit decides by name: two searches in the path from the root of the repository."""
    return bool(re.search(hook()["files"], path)) and not re.search(hook()["exclude"], path)


@pytest.mark.parametrize("folder", ["", "a/", "a b/Dockerfile.d/"])
@pytest.mark.parametrize("name", NAMES)
def test_it_takes_what_a_search_of_folders_takes(folder: str, name: str) -> None:
    assert taken(folder + name) == is_dockerfile(name)


def git(*words: str, cwd: Path) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words],
        cwd=cwd,
        env=environment(cwd),
        check=True,
        capture_output=True,
    )


def environment(folder: Path) -> dict[str, str]:
    home = str(folder.parent / "home")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SECPIPE_", "HADOLINT_"))}
    return {
        **kept,
        "PRE_COMMIT_HOME": home,
        "SECPIPE_SHELLCHECK": "off",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
    }


def program() -> str:
    found = shutil.which("pre-commit", path=str(Path(sys.executable).parent)) or shutil.which("pre-commit")
    if not found:
        pytest.skip("pre-commit is not installed: its hook was not tried")
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work space"
    (folder / "a b").mkdir(parents=True)
    (folder / "a b" / "Dockerfile.prod").write_text("FROM debian:latest\n")
    (folder / "ok.Dockerfile").write_text("FROM scratch\nCOPY app /\nUSER 1000\n")
    (folder / "README.md").write_text("FROM debian:latest\n")
    git("init", "-q", cwd=folder)
    git("add", ".", cwd=folder)
    return folder


def test_pre_commit_runs_it(repository: Path) -> None:
    """With the hook's own words; what they run is this checkout and not an installed copy."""
    import yaml

    local = {**hook(), "language": "system", "args": ["--failure-threshold", "warning"]}
    local["entry"] = local["entry"].replace("secpipe", f"{sys.executable} -m secpipe", 1)
    document = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(document))
    command = [program(), "run", "--all-files", "--color", "never"]
    done = subprocess.run(
        command, cwd=repository, env=environment(repository), capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "exit code: 1" in done.stdout
    assert "a b/Dockerfile.prod:1:6 DL3007 warning" in done.stdout
    assert "in 2 files" in done.stdout
    assert "README" not in done.stdout

    (repository / "a b" / "Dockerfile.prod").write_text("FROM scratch\nCOPY app /\nUSER 1000\n")
    git("add", ".", cwd=repository)
    done = subprocess.run(
        command, cwd=repository, env=environment(repository), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


def test_pre_commit_installs_it(repository: Path) -> None:
    """From a clone of this repository, as users do; what it installs comes from the package index."""
    if not os.environ.get("SECPIPE_REQUIRE_INSTALL"):
        pytest.skip("SECPIPE_REQUIRE_INSTALL is not set: pre-commit's own installation was not tried")
    source = repository.parent / "secpipe"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", ".*_cache", ".hypothesis", "__pycache__")
    shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
    git("init", "-q", cwd=source)
    git("add", "--all", "--force", cwd=source)
    git("commit", "-q", "-m", "x", cwd=source)
    done = subprocess.run(
        [program(), "try-repo", str(source), "secpipe-lint", "--all-files", "--color", "never"],
        cwd=repository,
        env={k: v for k, v in environment(repository).items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DL3007" in done.stdout, done.stdout + done.stderr
