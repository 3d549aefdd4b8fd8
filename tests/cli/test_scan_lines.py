"""`secpipe scan --dockerfile`: findings on the lines that made their layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import BuiltLayer, files, image, index, write_layout
from tests.support.packages import dpkg, metadata, os_release

ROOT = Path(__file__).parents[2]
REQUESTS = "usr/lib/python3.11/site-packages/requests-2.30.0.dist-info/METADATA"
BASE = BuiltLayer(
    files(
        {"etc/os-release": os_release("debian", "12"), "var/lib/dpkg/status": dpkg([("openssl", "3.0.9-1")])}
    ),
    "ADD rootfs.tar.xz / # buildkit",
)
PIP = BuiltLayer(
    files({REQUESTS: metadata("requests", "2.30.0")}), "RUN /bin/sh -c pip install requests # buildkit"
)
STEPS: list[BuiltLayer | str] = [BASE, 'CMD ["bash"]', "ENV A=b", PIP]
DOCKERFILE = "# An app\nFROM debian:12\nENV A=b\nRUN pip install \\\n  requests\nCMD app\n"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with a Dockerfile in a folder, and the image that was built from it."""
    app = image(STEPS, empty_steps=["CMD app"])
    other = image(STEPS, empty_steps=["CMD app"], architecture="arm64")
    write_layout(tmp_path / "built", {"1": app, "all": index([app, other])})
    (tmp_path / "my app").mkdir()
    (tmp_path / "my app" / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def scan(folder: Path, database: Path, *options: str | Path, target: str = "oci:built:1") -> Result:
    return secpipe("scan", target, "--db", database, "--max-db-age", "99999", *options, cwd=folder)


def schema(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


def test_sarif_stands_on_the_instruction(folder: Path, database: Path) -> None:
    plain = scan(folder, database, "-f", "sarif").json["runs"][0]["results"]
    for file in ("my app/Dockerfile", "./my app//Dockerfile", folder / "my app" / "Dockerfile"):
        result = scan(folder, database, "-f", "sarif", "--dockerfile", file)
        assert (result.code, "other-dockerfile" in result.stderr) == (1, False)
        jsonschema.validate(result.json, schema("tests/schemas/sarif-schema-2.1.0.json"))
        results = result.json["runs"][0]["results"]
        places = {r["ruleId"]: r["locations"][0]["physicalLocation"] for r in results}
        assert {id: place["artifactLocation"] for id, place in places.items()} == {
            "CVE-2023-32681": {"uri": "my%20app/Dockerfile"},
            "CVE-2023-5363": {"uri": "my%20app/Dockerfile"},
        }
        assert places["CVE-2023-32681"]["region"]["startLine"] == 4
        assert places["CVE-2023-5363"]["region"]["startLine"] == 2
        assert all(
            set(place["region"]) >= {"startColumn", "endLine", "endColumn"} for place in places.values()
        )
        assert [r["partialFingerprints"] for r in results] == [r["partialFingerprints"] for r in plain]
        assert results[0]["properties"]["path"] == REQUESTS


def test_json_and_the_table_tell_the_line(folder: Path, database: Path) -> None:
    report = scan(folder, database, "-f", "json", "--dockerfile", "my app/Dockerfile").json
    jsonschema.validate(report, schema("docs/schema/scan.schema.json"))
    assert {(f["id"], f["layer"]["file"], f["layer"]["line"]) for f in report["findings"]} == {
        ("CVE-2023-32681", "my app/Dockerfile", 4),
        ("CVE-2023-5363", "my app/Dockerfile", 2),
    }
    (folder / "report.json").write_text(json.dumps(report))
    converted = secpipe("convert", "report.json", "-f", "sarif", cwd=folder)
    assert (
        converted.stdout == scan(folder, database, "-f", "sarif", "--dockerfile", "my app/Dockerfile").stdout
    )
    table = scan(folder, database, "--dockerfile", "my app/Dockerfile").stdout
    assert "my app/Dockerfile:4  RUN pip install requests" in table


def test_an_instruction_that_differs_is_told_and_changes_no_exit_code(folder: Path, database: Path) -> None:
    (folder / "Dockerfile").write_text(DOCKERFILE.replace("requests", "flask"))
    plain = scan(folder, database, "-f", "sarif")
    result = scan(folder, database, "-f", "sarif", "--dockerfile", "Dockerfile")
    assert (result.code, result.json["runs"][0]["results"]) == (plain.code, plain.json["runs"][0]["results"])
    assert result.stderr.startswith(
        "other-dockerfile: Dockerfile: line 4 is not what the image's history tells"
    )


def test_every_platform(folder: Path, database: Path) -> None:
    options = ("--platform", "all", "--dockerfile", "my app/Dockerfile")
    report = scan(folder, database, "-f", "json", *options, target="oci:built:all").json
    assert [f["layer"]["line"] for f in report["findings"]] == [4, 4, 2, 2]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone", None, "no such file"),
        ("-", None, "pipe"),
        ("my app", None, "not a regular file"),
        ("binary", b"\x7fELF\0\0\1", "binary"),
        ("empty", b"", "no FROM"),
        ("script", b"import os\n", "no FROM"),
    ],
)
def test_what_is_no_dockerfile_is_refused(
    folder: Path, database: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    result = scan(folder, database, "--dockerfile", name, target="oci:not-even-looked-at")
    assert (result.code, result.stdout) == (2, "")
    assert words in result.stderr
    assert f"--dockerfile {name}" in result.stderr


def test_a_list_of_packages_has_no_history(folder: Path, database: Path) -> None:
    result = scan(folder, database, "--dockerfile", "my app/Dockerfile", target="sbom:app.json")
    assert result.code == 2
    assert "history" in result.stderr


FOUND = (
    "the image was built from Dockerfile: findings stand on its lines (--dockerfile none turns that off)\n"
)


def places(result: Result) -> set[tuple[str, int]]:
    return {
        (f["layer"].get("file", ""), f["layer"].get("line", 0)) for f in json.loads(result.stdout)["findings"]
    }


def test_the_one_that_it_was_built_from_is_found_in_the_folder(folder: Path, database: Path) -> None:
    (folder / "Dockerfile").write_text(DOCKERFILE)
    result = scan(folder, database, "-f", "json")
    jsonschema.validate(result.json, schema("docs/schema/scan.schema.json"))
    assert places(result) == {("Dockerfile", 2), ("Dockerfile", 4)}
    assert result.stderr.startswith(FOUND)
    named = scan(folder, database, "-f", "json", "--dockerfile", "Dockerfile")
    assert (named.json, named.json["dockerfile"]) == (result.json, "Dockerfile")
    assert "was built from" not in named.stderr
    assert "By layer, built from Dockerfile:" in scan(folder, database).stdout
    every = scan(folder, database, "-f", "json", "--platform", "all", target="oci:built:all")
    assert places(every) == {("Dockerfile", 2), ("Dockerfile", 4)}
    (folder / "r.json").write_text(result.stdout)
    assert secpipe("convert", "r.json", cwd=folder).stdout == scan(folder, database).stdout


def test_none_turns_that_off(folder: Path, database: Path) -> None:
    plain = scan(folder, database, "-f", "json")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    result = scan(folder, database, "-f", "json", "--dockerfile", "none")
    assert (result.stdout, result.stderr) == (plain.stdout, plain.stderr)
    assert places(result) == {("", 0)}


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian:12\n",
        "FROM debian:12\nCMD app\n",
        "FROM debian:12\nENV A=b\nRUN pip install flask\nCMD app\n",
        "FROM debian:12\nENV A=b\nRUN pip install requests\nRUN more\nCMD app\n",
        "FROM debian:12\nENV A=b\nRUN pip install requests\nVOLUME /x\nCMD app\n",
        "FROM debian:12\nRUN pip install requests\nENTRYPOINT app\n",
        "FROM scratch\nENV A=b\nRUN pip install requests\nCMD app\n",
        "ENV A=b\nRUN pip install requests\nCMD app\n",
        "\0\1\2",
        "",
    ],
)
def test_what_does_not_fit_in_all_is_passed_over_without_a_word(
    folder: Path, database: Path, text: str
) -> None:
    (folder / "Dockerfile").write_text(text)
    result = scan(folder, database, "-f", "json")
    assert places(result) == {("", 0)}
    assert "dockerfile" not in (result.stderr + result.stdout).lower()


def test_of_several_the_one_that_fits_counts_and_of_two_such_neither(folder: Path, database: Path) -> None:
    (folder / "Dockerfile").write_text("FROM golang\nCOPY . .\nRUN go build\n")
    (folder / "worker.Dockerfile").mkdir()
    (folder / "Dockerfile.app").write_text(DOCKERFILE)
    assert places(scan(folder, database, "-f", "json")) == {("Dockerfile.app", 2), ("Dockerfile.app", 4)}
    (folder / "Containerfile").write_text(DOCKERFILE)
    assert places(scan(folder, database, "-f", "json")) == {("", 0)}


def test_a_base_alone_is_no_proof(folder: Path, database: Path) -> None:
    """Any image on the same base would fit."""
    write_layout(folder / "base", {"1": image([BASE], empty_steps=['CMD ["bash"]'])})
    (folder / "Dockerfile").write_text('FROM debian:12\nCMD ["bash"]\n')
    assert places(scan(folder, database, "-f", "json", target="oci:base:1")) == {("", 0)}
