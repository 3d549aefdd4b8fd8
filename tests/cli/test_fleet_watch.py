"""`secpipe fleet watch` as a process that goes on for weeks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from secpipe.fleet.results import open_results
from tests.support.advisories import build_database
from tests.support.cli import SETTINGS, secpipe

_WATCH = """
import sys
import secpipe.cli._fleetwatch as module
module._UNITS["m"] = 0.2
sys.argv = ["secpipe", "fleet", "watch", "--every", "1m", *sys.argv[1:]]
from secpipe.cli import main
main()
"""


def test_a_file_that_is_being_edited_does_not_end_it(tmp_path: Path) -> None:
    database = build_database(tmp_path / "db")
    with open_results(str(tmp_path / "fleet.sqlite")) as results:
        results.finish(results.begin("", "1", "1"))
    config = tmp_path / ".secpipe.yaml"
    config.write_text("scan:\n  fail-on: high\n")
    said = tmp_path / "said"
    command = [sys.executable, "-c", _WATCH, "--db", str(database)]
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=output, stderr=output, env={**os.environ, **SETTINGS}
        )
    try:
        _wait(said, "nothing has changed", 1)
        config.write_text("scan: [\n")
        _wait(said, "error: ", 2)
        config.write_text("scan:\n  fail-on: high\n")
        _wait(said, "nothing has changed", said.read_text().count("nothing has changed") + 2)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
    assert code == 143
    assert "Traceback" not in said.read_text()
    config.write_text("scan: [\n")
    first = subprocess.run(
        command, cwd=tmp_path, capture_output=True, env={**os.environ, **SETTINGS}, timeout=60
    )
    assert first.returncode == 2


def _wait(said: Path, text: str, times: int) -> None:
    for _ in range(400):
        if said.read_text().count(text) >= times:
            return
        time.sleep(0.05)
    raise AssertionError(said.read_text())


def test_metrics_that_cannot_be_written_are_told_before_it_looks(tmp_path: Path) -> None:
    result = secpipe("fleet", "watch", "--once", "--metrics", "none/fleet.prom", cwd=tmp_path)
    assert result.code == 2
    assert result.stderr.startswith("error: cannot write none/fleet.prom")
