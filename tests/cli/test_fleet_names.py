"""The sources of `secpipe fleet scan`: what is wrong with one of them, said and in the exit code."""

from __future__ import annotations

from pathlib import Path

from secpipe.fleet.results import open_results
from tests.support.advisories import build_database
from tests.support.cli import secpipe
from tests.support.fleet import deb, image, inventory, result


def test_gaps_may_be_allowed_and_failures_not(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing yet\n")
    plan = ("fleet", "scan", "--plan")
    gap = secpipe(*plan, "--file", tmp_path / "empty.txt", "oci:layout", cwd=tmp_path)
    assert gap.code == 3
    first, second = gap.stderr.splitlines()
    assert first.startswith(f"no-images: {tmp_path}/empty.txt: there is no image in this list")
    assert second.startswith("not-in-a-registry: command line: 'oci:layout' is no image in a registry")
    allowed = secpipe(
        *plan, "--file", tmp_path / "empty.txt", "oci:layout", "--allow-incomplete", cwd=tmp_path
    )
    assert (allowed.code, allowed.stderr) == (0, gap.stderr)
    failure = secpipe(*plan, "--kubernetes", tmp_path / "missing", "--allow-incomplete", cwd=tmp_path)
    assert failure.code == 3
    assert "no such file" in failure.stderr


def test_standard_input_is_for_one(tmp_path: Path) -> None:
    manifest = (
        '{"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "Bad"}]}}'
    )
    result = secpipe("fleet", "scan", "--plan", "--kubernetes", "-", stdin=manifest, cwd=tmp_path)
    assert result.code == 3
    assert "standard input: Pod p (a): 'Bad' is no image reference" in result.stderr
    twice = secpipe("fleet", "scan", "--plan", "--kubernetes", "-", "--file", "-", cwd=tmp_path)
    assert (twice.code, "twice" in twice.stderr) == (2, True)


def test_a_gate_about_what_is_new_needs_something_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / ".secpipe.yaml").write_text("scan:\n  fail-on: high,new\n")
    for option in ((), ("--fail-on", "new")):
        refused = secpipe("fleet", "scan", "--plan", "localhost:1/a:1", *option, cwd=tmp_path)
        assert (refused.code, refused.stdout) == (2, "")
        assert "fleet is compared with nothing" in refused.stderr
        assert "fleet report --new" in refused.stderr


def test_a_list_without_a_single_image_lets_nobody_leave(tmp_path: Path) -> None:
    database, history = build_database(tmp_path / "db"), tmp_path / "fleet.sqlite"
    with open_results(str(history)) as results:
        run = results.begin("", "1", "1")
        one = image("web", ["debian"], ["registry.example/web:1"])
        results.record(run, result(one, inventory(one, {0: [deb("bash", "5")]}), database=""))
        results.finish(run)
    said = "Error from server (Forbidden): pods is forbidden"
    scan = ("fleet", "scan", "--file", "-", "--results", history, "--db", database)
    told = secpipe(*scan, stdin=said, cwd=tmp_path)
    assert (told.code, told.stdout.partition(":")[0]) == (3, "1 image")
    assert "invalid-reference: standard input:1" in told.stderr
