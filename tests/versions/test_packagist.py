"""Composer's order: the table is written from VersionParser and version_compare, the oracle is composer/semver."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from secpipe.versions import InvalidVersion, packagist
from tests.versions.support import disagreements, pairs, sign, table, told

TABLE = """
1.0-dev < 1.0-alpha < 1.0-alpha1 < 1.0-alpha.2 < 1.0-alpha10 < 1.0-beta < 1.0-RC1-dev < 1.0-RC1 < 1.0-rc2 < 1.0 < 1.0-p1
1.0 = 1 = v1.0.0 = 1.0.0.0 = V1.0 = 1.0.0+build = 1.0@stable = 1.0-stable = 01.0
1.0-a1 = 1.0.0alpha1 = 1.0_ALPHA.1 = 1.0-alpha-1
1.0-p1 = 1.0-pl1 = 1.0-patch.1 < 1.0.0.1 < 1.0.1-dev < 1.0.1 < 1.1 < 1.9 < 1.10
1.0-beta2-dev < 1.0-beta2 < 1.0-beta2.1 < 1.0-beta10
1.2.3.0-beta1 < 1.2.3 < 1.2.4 < 1.2.x-dev < 1.3.0-alpha < 1.3 < 1.x-dev < 2.0.0-dev < 2.0 < 9999999-dev
1.2.x-dev = 1.2.*-dev = v1.2.X-dev = 1.2.x.dev = 1.2.xdev < 1.2.9999999.9999999
5.4.45-p1 > 5.4.45
20100102 < 20100102-p1 < 20100103 < 20110101
2010.01.02 = 2010.1.2
2010-01-02 = 2010:01.02 < 2010-01-02-10 < 2010-01-02-p1 < 2010-01-03 < 2010.01.03
1.0 = 1. = 1.0_ = 1.0-
1.0-STABLE < 1.0-dev
"""

BRANCHES = "dev-master DEV-main dev-1.x master trunk default dev-master@dev dev-main+5"
INVALID = "foo 1.0-foo 1.0.0.0.0 1..0 1.0~1 100000.1.2.3 1.0-rc-1a 1.x x.y-dev feature-dev 1.0+ a 1.0#abc ~1.0 ^1 1.*"

WORDS = "alpha beta RC rc dev patch pl p stable STABLE a b x-dev *-dev 2.x-dev @dev @stable 20210101 2021-01-01 M1 deadbeef"
AUTOLOAD = "Composer/Semver/autoload.php"
ASK = (
    f"require '{AUTOLOAD}';"
    + """
$parser = new Composer\\Semver\\VersionParser();
while (($line = fgets(STDIN)) !== false) {
    try {
        [$left, $right] = array_map([$parser, 'normalize'], explode(' ', trim($line)));
    } catch (UnexpectedValueException $error) {
        echo "?\\n";
        continue;
    }
    $named = strpos($left, 'dev-') === 0 || strpos($right, 'dev-') === 0;
    echo $named ? '?' : '<=>'[version_compare($left, $right) + 1], "\\n";
}
"""
)


def _composer() -> bool:
    probe = f"exit(@include('{AUTOLOAD}') ? 0 : 1);"
    return (
        shutil.which("php") is not None and subprocess.run(["php", "-r", probe], check=False).returncode == 0
    )


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(packagist, left, right) == expected


@pytest.mark.parametrize("text", [*BRANCHES.split(), *INVALID.split()])
def test_what_has_no_order(text: str) -> None:
    with pytest.raises(InvalidVersion):
        packagist.key(text)


@pytest.mark.skipif(
    not _composer(), reason="php with composer/semver is not installed: the order is not compared with it"
)
def test_agrees_with_composer() -> None:
    asked = pairs(random.Random(20), WORDS, 30_000)
    answers = told(["php", "-r", ASK], asked)
    assert disagreements(packagist, asked, answers) == []
    assert sum(answer != "?" for answer in answers) > 10_000
