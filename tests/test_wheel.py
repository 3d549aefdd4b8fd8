"""What is built to be installed: everything that the program needs at run time is inside, and it works from there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from examples.build import build

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=env,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def below(folder: str, pattern: str = "*") -> set[str]:
    files = (
        path for path in (ROOT / folder).rglob(pattern) if path.is_file() and "__pycache__" not in path.parts
    )
    return {str(path.relative_to(ROOT)) for path in files}


def test_the_wheel_has_modules_rules_manual_and_completions(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = f"{'-'.join(wheel.name.split('-')[:2])}.data/data/"
    assert below("secpipe") - names == set()
    assert {
        name.replace("rules/", "secpipe/_rules/", 1) for name in below("rules", "*.yaml")
    } - names == set()
    schemas = below("docs/schema")
    assert {name.replace("docs/schema/", "secpipe/_schema/", 1) for name in schemas} - names == set()
    assert {data + name for name in below("share")} - names == set()
    assert data + "share/man/man1/secpipe.1" in names
    assert not [name for name in names if not name.startswith(("secpipe/", "secpipe-"))]


def test_the_sdist_has_what_builds_and_tests_it(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.TarFile.gzopen(str(sdist)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = (
        "secpipe",
        "rules",
        "share",
        "scripts",
        "requirements",
        "tests",
        "docs",
        "examples",
        "vulndb-fixtures",
    )
    assert set().union(*(below(folder) for folder in wanted)) - names == set()
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "Makefile",
        "action.yml",
        "Containerfile",
    } - names == set()


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheel; what it depends on is borrowed from this one."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    venv.create(folder)
    python = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    words = [
        "--disable-pip-version-check",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([sys.executable, "-m", "pip", *words, wheel], check=True)
    (library,) = (folder / "lib").glob("python*/site-packages")
    (library / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_it_lints_and_scans_from_there(installed: Path, tmp_path: Path) -> None:
    build(tmp_path / "layout")
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("SECPIPE_")}
    env |= {"SECPIPE_CACHE": str(tmp_path / "cache"), "SECPIPE_SHELLCHECK": "off", "NO_COLOR": "1"}

    def run(*words: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            [installed / "bin" / "secpipe", *words],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    where = "import secpipe; print(secpipe.__file__)"
    found = subprocess.run(
        [installed / "bin" / "python", "-c", where], cwd=tmp_path, env=env, capture_output=True
    )
    assert found.stdout.decode().startswith(str(installed))
    code, text = run("lint", ROOT / "examples" / "Dockerfile")
    assert code == 1
    assert "13 findings in 1 file" in text
    assert "MAINTAINER" in run("rules", "DL4000")[1]
    assert run("db", "build", ROOT / "vulndb-fixtures" / "osv")[0] == 0
    code, text = run("scan", "oci:layout:alpine", "--platform", "linux/amd64")
    assert code == 1
    assert "38 vulnerabilities" in text
    assert (installed / "share" / "man" / "man1" / "secpipe.1").is_file()
