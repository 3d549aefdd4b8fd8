"""R's order: the table is written from the rules of compareVersion, the oracle is R."""

from __future__ import annotations

import random
import re
import shutil

import pytest

from secpipe.versions import InvalidVersion, cran
from tests.versions.support import disagreements, pairs, sign, table, told

TABLE = """
0.1 < 0.1-0 < 0.1-1 < 0.1.2 < 0.2 < 0.10 < 1 < 1.0 < 1.0.0 < 1.0-1 < 1.1
1.0-1 = 1.0.1 = 01.0.1
7.3-47 < 7.3-48 < 7.3-51.1 < 7.3-54 < 7.3.58.1
2.0.0 < 2.0.0.9000 < 2.0.1
2019.12-1 < 2020.1-1
"""

ASK = """
lines <- strsplit(readLines(file("stdin")), " ", fixed = TRUE)
for (pair in lines) {
    valid <- !anyNA(numeric_version(pair, strict = FALSE))
    order <- if (valid) compareVersion(pair[1], pair[2])
    cat(if (valid) c("<", "=", ">")[order + 2] else "?", "\\n")
}
"""
BEYOND_R = re.compile("[0-9]{10}")
"""R reads a number into 32 bits."""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(cran, left, right) == expected


@pytest.mark.parametrize("text", ["1.", "-1", ".1", "1..2", "1.-2", "1.0a", "v1.0", "1_0", "1.0+1", "devel"])
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidVersion):
        cran.key(text)


@pytest.mark.skipif(
    shutil.which("Rscript") is None, reason="R is not installed: the order is not compared with it"
)
def test_agrees_with_r() -> None:
    asked = pairs(random.Random(20), "9000 00 3 20210101", 20_000)
    asked = [pair for pair in asked if not any(map(BEYOND_R.search, pair))]
    answers = told(["Rscript", "--vanilla", "-e", ASK], asked)
    assert disagreements(cran, asked, answers) == []
    assert sum(answer != "?" for answer in answers) > 8_000
