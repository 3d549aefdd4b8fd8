"""`secpipe scan` and the files that say what is accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_scan import ALPINE, layer, layout
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture
def scanned(tmp_path: Path, database: Path) -> tuple[Path, list[str | Path]]:
    target = layout(tmp_path, layer(ALPINE))
    folder = tmp_path / "repository" / "sub"
    folder.mkdir(parents=True)
    (folder.parent / ".git").mkdir()
    return folder, ["scan", target, "--db", database, "-f", "json"]


def accepted(result: Result) -> dict[str, str]:
    return {f["id"]: f["suppression"]["source"] for f in result.json["findings"] if "suppression" in f}


def test_the_nearest_file_suppresses_and_stays_within_the_repository(
    scanned: tuple[Path, list[str | Path]],
) -> None:
    folder, command = scanned
    plain = secpipe(*command, cwd=folder)
    assert plain.code == 1
    assert "warnings" not in plain.json
    ids = [f["id"] for f in plain.json["findings"]]
    text = "".join(f"- {{id: {id.lower()}, reason: accepted}}\n" for id in ids)
    (folder.parents[1] / ".secpipe-ignore.yaml").write_text("outside: the repository")
    (folder.parent / ".secpipe-ignore.yaml").write_text(
        text + "- {id: CVE-1-1, reason: old, expires: 2020-01-01}\n"
    )
    (folder / ".trivyignore").write_text("not read")
    done = secpipe(*command, cwd=folder)
    assert done.code == 0
    assert accepted(done) == dict.fromkeys(ids, "../.secpipe-ignore.yaml")
    assert [w["code"] for w in done.json["warnings"]] == ["expired-ignore"]
    assert "expired on 2020-01-01" in done.stderr
    assert "all of them suppressed" in done.stderr
    nothing = secpipe(*command, "--ignore-file", "/dev/null", cwd=folder)
    assert nothing.stdout == plain.stdout


def test_trivyignore_is_read_where_there_is_none_of_ours(scanned: tuple[Path, list[str | Path]]) -> None:
    folder, command = scanned
    first = secpipe(*command, cwd=folder).json["findings"][0]["id"]
    (folder / ".trivyignore").write_text(f"# ours\n{first}\nCVE-1-1\n")
    done = secpipe(*command, cwd=folder)
    assert accepted(done) == {first: ".trivyignore"}
    assert ".trivyignore: its entries suppress findings" in done.stderr
    assert [w["code"] for w in done.json["warnings"]] == ["unused-ignore"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.yaml",
            "- id: a\n  reson: b\n",
            "error: a.yaml:2: unknown key reson\nhint: did you mean reason?\n",
        ),
        ("gone.yaml", None, "error: gone.yaml: the ignore file cannot be read: no such file or directory\n"),
    ],
)
def test_a_file_that_is_wrong_is_a_usage_error(
    scanned: tuple[Path, list[str | Path]], name: str, text: str | None, message: str
) -> None:
    folder, command = scanned
    if text is not None:
        (folder / name).write_text(text)
    done = secpipe(*command, "--ignore-file", name, cwd=folder)
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(message)


def test_conditions_of_the_gate(scanned: tuple[Path, list[str | Path]]) -> None:
    folder, command = scanned
    done = secpipe(*command, "--fail-on", "critical", "--fail-on", "any,fixable", cwd=folder)
    assert done.code == 1
    assert "at the gate (fixable): CVE-" in done.stderr


def test_files_of_other_programs_are_read_where_there_is_none_of_ours(
    scanned: tuple[Path, list[str | Path]],
) -> None:
    folder, command = scanned
    id = secpipe(*command, cwd=folder).json["findings"][0]["id"]
    (folder / ".trivyignore.yaml").write_text(f"vulnerabilities: [{{id: {id}, statement: not used}}]")
    (folder / ".grype.yaml").write_text("ignore: [{vulnerability: CVE-1-1}]\nonly-fixed: true\n")
    (folder / "osv-scanner.toml").write_text(f'[[IgnoredVulns]]\nid = "{id}"\n')
    done = secpipe(*command, cwd=folder)
    assert accepted(done) == {id: ".trivyignore.yaml"}
    assert done.json["findings"][0]["suppression"]["reason"] == "not used"
    for name in (".trivyignore.yaml", ".grype.yaml", "osv-scanner.toml"):
        assert f"{name}: its entries suppress findings, as there is no .secpipe-ignore.yaml" in done.stderr
    assert [w["code"] for w in done.json["warnings"]] == ["unreadable-ignore", "unused-ignore"]
    (folder / "osv-scanner.toml").write_text("")
    assert "osv-scanner.toml" not in secpipe(*command, cwd=folder).stderr
    none = secpipe(*command, "--ignore-file", "none", cwd=folder)
    assert accepted(none) == {}
    assert "suppress" not in none.stderr


def test_several_files_by_what_is_in_them(scanned: tuple[Path, list[str | Path]]) -> None:
    folder, command = scanned
    (folder / "accepted.yaml").write_text("images: {other: {CVE-1-1: XML}}")
    (folder / "ours.yaml").write_text("- {id: CVE-1-2, reason: ours}")
    (folder / "rules.yaml").write_text("ignore: [{fix-state: fixed, reason: soon}]")
    names = ("accepted.yaml", "ours.yaml", "rules.yaml")
    done = secpipe(*command, *(part for name in names for part in ("--ignore-file", name)), cwd=folder)
    assert set(accepted(done).values()) == {"rules.yaml"}
    assert [w["subject"] for w in done.json["warnings"]] == ["ours.yaml:1"]


def test_vex_documents_suppress_and_are_told(scanned: tuple[Path, list[str | Path]]) -> None:
    folder, command = scanned
    found = secpipe(*command, cwd=folder).json["findings"][0]
    statement = {
        "vulnerability": {"name": found["id"]},
        "products": [{"@id": found["package"]}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [statement]}
    (folder / "ours.json").write_text(json.dumps(document))
    (folder / "other.json").write_text(json.dumps({"bomFormat": "CycloneDX"}))
    reports = ["-o", "sarif=out.sarif", "-o", "cyclonedx=out.cdx.json"]
    done = secpipe(*command, "--vex", "ours.json", "--vex", "other.json", *reports, cwd=folder)
    assert done.code == 0
    assert done.json["findings"][0]["suppression"] == {
        "kind": "vex",
        "source": "ours.json",
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    assert [w["code"] for w in done.json["warnings"]] == ["unused-vex"]
    sarif = json.loads((folder / "out.sarif").read_text())["runs"][0]["results"]
    said = "not_affected, vulnerable_code_not_in_execute_path"
    assert sarif[0]["suppressions"][0]["justification"] == said
    listed = json.loads((folder / "out.cdx.json").read_text())["vulnerabilities"][0]
    assert listed["analysis"]["state"] == "not_affected"
    assert listed["analysis"]["justification"] == "code_not_reachable"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "v.json: the VEX document cannot be read: no such file or directory"),
        ("{}", "v.json is no VEX document of a format that we know"),
        ("nothing", "v.json is no JSON"),
    ],
)
def test_a_vex_document_that_is_none_is_a_usage_error(tmp_path: Path, data: str | None, message: str) -> None:
    if data is not None:
        (tmp_path / "v.json").write_text(data)
    done = secpipe("scan", "registry.example.com/no/such:image", "--vex", "v.json", cwd=tmp_path)
    assert done.code == 2
    assert message in done.stderr


def test_the_gate_of_the_configuration(scanned: tuple[Path, list[str | Path]]) -> None:
    folder, command = scanned
    (folder.parent / ".secpipe.yaml").write_text("scan:\n  fail-on: [fixable]\n")
    done = secpipe(*command, cwd=folder)
    assert done.code == 1
    assert "at the gate (fixable, from ../.secpipe.yaml:2): CVE-" in done.stderr
    (folder.parent / ".secpipe.yaml").write_text(
        "scan:\n  fail-on: [fixable]\n  overrides: [{path: lib/apk/**, fail-on: none}]\n"
    )
    assert secpipe(*command, cwd=folder).code == 0
    assert secpipe(*command, "--fail-on", "fixable", cwd=folder).code == 1, (
        "an option replaces all of the gate"
    )
    assert secpipe(*command, "--no-config", cwd=folder).code == 1
    assert secpipe(*command, cwd=folder, env={"SECPIPE_SCAN_FAIL_ON": "eol"}).code == 1
    assert secpipe("lint", "-", cwd=folder, stdin="FROM debian:12\nUSER 1\n").code == 0
