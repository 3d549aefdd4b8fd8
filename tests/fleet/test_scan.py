"""What decides besides the advisories, and who is in the fleet when not everybody could be asked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from secpipe.fleet.names import whole
from secpipe.fleet.scan import FleetOptions, fingerprint
from secpipe.model.problem import Problem
from secpipe.pipeline.scan import ScanOptions
from secpipe.policy.ignore import Entry, Ignores
from secpipe.policy.vex import Component, Document, Product, Statement

_TOLD = """
from pathlib import Path
from tests.fleet.test_scan import options
from secpipe.fleet.scan import fingerprint
print(fingerprint(options(Path('nowhere'))))
"""


def options(folder: Path) -> FleetOptions:
    """With everything that can be told apart, a VEX document with sets of names among it."""
    product = Product(Component(names=frozenset({"registry.example/a", "b", "c:1", "sha256:d"})))
    document = Document("vex.json", (Statement(("CVE-2024-1",), (product,), "not_affected"),))
    entry = Entry("CVE-2024-2", "ignore.yaml", 3)
    scan = ScanOptions("", folder / "db", vex=(document,), ignores=Ignores((entry,)))
    return FleetOptions(scan, str(folder))


def test_the_same_options_are_the_same_in_another_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _TOLD],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(told) == 1


def test_other_options_are_others(tmp_path: Path) -> None:
    one = options(tmp_path)
    (document,) = one.scan.vex
    another = Product(Component(names=frozenset({"registry.example/a"})))
    others = [
        replace(one.scan, vex=()),
        replace(
            one.scan,
            vex=(replace(document, statements=(replace(document.statements[0], products=(another,)),)),),
        ),
        replace(one.scan, ignores=Ignores((Entry("CVE-2024-3", "ignore.yaml", 3),))),
        replace(one.scan, allow_incomplete=True),
        replace(one.scan, max_age_days=1),
    ]
    told = {fingerprint(one), *(fingerprint(replace(one, scan=scan)) for scan in others)}
    assert len(told) == len(others) + 1


@pytest.mark.parametrize(
    ("problem", "named_all"),
    [
        (Problem("template", "chart", "left to a template"), True),
        (Problem("nothing-matches", "app:^9", "no image"), True),
        (Problem("no-images", "standard input", "no image"), False),
        (Problem("unreadable-list", "registry.example", "refused", coverage=False), False),
        (Problem("too-many-names", "fleet", "too many"), False),
    ],
)
def test_only_who_was_asked_about_leaves(problem: Problem, named_all: bool) -> None:
    assert whole([]) is True
    assert whole([problem]) is named_all
