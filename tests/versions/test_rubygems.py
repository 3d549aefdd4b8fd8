"""RubyGems' order: the table is written from the rules of Gem::Version, the oracle is ruby."""

from __future__ import annotations

import random
import shutil

import pytest

from secpipe.versions import InvalidVersion, rubygems
from tests.versions.support import disagreements, pairs, sign, table, told

TABLE = """
1.0.a < 1.0.b1 < 1.0.rc1 < 1.0.rc.2 < 1.0.rc.10 < 1.0 < 1.0.0.1 < 1.0.1.a < 1.0.1 < 1.0.1.1 < 1.1 < 1.9 < 1.10
1 = 1.0 = 1.0.0 = 01 = 1.00
1.a = 1.0.a = 1.0.0.a
1.0.a.0 = 1.0.a < 1.0.a.1
1.0.a.0.b < 1.0.a.0.0.b < 1.0.a < 1.0.a.0.0.1 < 1.0.a.0.1 < 1.0.a.1
1.0-a = 1.0.pre.a < 1.0.pre1 < 1.0
1.0.A < 1.0.Z < 1.0.a < 1.0.aa < 1.0.b
1.2.b1 = 1.2.b.1 < 1.2.b.10
0.0.0 = 0 < 0.0.1
5.2.4.rc1 < 5.2.4 < 5.2.4.1 < 5.2.4.3 < 5.2.5
2.0.0.beta.20220101 < 2.0.0.beta.20230101 < 2.0.0
1.15.0-x86_64-linux = 1.15.0 = 1.15.0-java = 1.15.0-arm64-darwin-22 = 1.15.0-x64-mingw-ucrt = 1.15.0-aarch64-linux-musl
1.15.0-arm-linux-gnueabihf = 1.15.0-universal-darwin = 1.15.0-x86-mswin32-60 = 1.15.0
1.15.0.rc1-x86_64-linux-gnu = 1.15.0.rc1 < 1.15.0-java
1.15.0-javax < 1.15.0
"""

WORDS = "alpha beta rc pre a b dev git rc1 beta2 Z p247 final 20210101 0a"
ASK = """
STDIN.each_line do |line|
  left, right = line.split
  order = begin
    Gem::Version.new(left) <=> Gem::Version.new(right)
  rescue ArgumentError
    nil
  end
  puts order ? "<=>"[order + 1] : "?"
end
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(rubygems, left, right) == expected


@pytest.mark.parametrize(
    "text", ["a", "v1.0", "1.", "1..2", ".1", "1_0", "1.0+b", "1.0-", "1.0-a_b", "-java", "1.0-x86_64-plan9"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(InvalidVersion):
        rubygems.key(text)


@pytest.mark.skipif(
    shutil.which("ruby") is None, reason="ruby is not installed: the order is not compared with it"
)
def test_agrees_with_ruby() -> None:
    asked = pairs(random.Random(20), WORDS, 30_000)
    answers = told(["ruby", "-e", ASK], asked)
    assert disagreements(rubygems, asked, answers) == []
    assert sum(answer != "?" for answer in answers) > 10_000
