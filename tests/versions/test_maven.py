"""Maven's order: the table is written from the POM reference, the oracle is Maven's own class."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from secpipe.versions import InvalidVersion, maven
from tests.versions.support import disagreements, pairs, sign, table, told

TABLE = """
1-alpha < 1-alpha-2 < 1-alpha-10 < 1-beta < 1-milestone < 1-rc < 1-snapshot < 1 < 1-sp < 1-abc < 1-xyz < 1-1 < 1.1
1 = 1.0 = 1.0.0 = 1-0 = 1.0-0 = 1-ga = 1-final = 1.0.RELEASE = 1.0-GA = 1. = 01
1-a1 = 1-alpha-1 = 1.0A1 = 1.0-Alpha1 < 1-A-1
1-b1 = 1-beta-1 < 1-m3 = 1-milestone-3 < 1-cr2 = 1-rc2 < 1-SNAPSHOT < 1
1-a < 1-b
1.0.0.X1 < 1.0.0-X2 < 1.0.1
1.0.RC2 < 1.0-RC3 < 1.0.1
4.1.9.Final = 4.1.9 < 4.1.10.Final < 4.1.76.Final < 4.1.100.Final
31.1-android < 31.1-jre < 32.0.0-jre
9.4.43.v20210629 < 9.4.44.v20210927
5.3.18.RELEASE < 5.3.20 < 6.0.0-M1 < 6.0.0-RC1 < 6.0.0
2.9.10 < 2.9.10.1 < 2.9.10.8
42.2.26 < 42.2.26.jre7 < 42.2.27
2-1 > 2.0.a
Finchley.SR1 < Finchley.SR2
1.0-20210101.120000-1 < 1.0-20210101.120000-2
"""

WORDS = "alpha beta milestone rc cr snapshot SNAPSHOT sp ga final Final RELEASE a b m M1 x jre android jre8 SR v20210629 dev"
ASK = """
import org.apache.maven.artifact.versioning.ComparableVersion;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] pair = line.split(" ");
            int order = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
            System.out.println("<=>".charAt(Integer.signum(order) + 1));
        }
    }
}
"""


def _maven() -> Path | None:
    """The library of an installed Maven 3.9, or the one that its local repository has."""
    found: list[Path] = []
    if program := shutil.which("mvn"):
        found += (Path(program).resolve().parents[1] / "lib").glob("maven-artifact-3.9.*.jar")
    found += (Path.home() / ".m2/repository/org/apache/maven/maven-artifact").glob("3.9.*/*.jar")
    return max((jar for jar in found if re.search(r"3\.9\.([2-9]|[1-9][0-9])\.jar", jar.name)), default=None)


LIBRARY = _maven()


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(maven, left, right) == expected


@pytest.mark.parametrize(
    "text", ["${revision}", "[1.0,2.0)", "1.0,2.0", "1/2", "a:b", "1*", ".", "-", "_", "1$"]
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(InvalidVersion):
        maven.key(text)


def test_the_order_is_not_transitive() -> None:
    """As in Maven: the reason for an object that compares, and for the exception from the test of all schemes."""
    assert sign(maven, "1", "1-x") == sign(maven, "1-x", "1-0-rc") == sign(maven, "1-0-rc", "1") == "<"


def test_deep_nesting() -> None:
    assert sign(maven, "1" + "-1" * 500, "1" + "-1" * 499 + "-2") == "<"
    assert sign(maven, "1a" * 500, "1a" * 499 + "1b") == "<"


@pytest.mark.skipif(
    LIBRARY is None or shutil.which("javac") is None,
    reason="Maven 3.9.2 or newer is not installed with a Java compiler: the order is not compared with it",
)
def test_agrees_with_maven(tmp_path: Path) -> None:
    """Single-file source mode would compile at each start, too: one process for all pairs."""
    asked = pairs(random.Random(20), WORDS, 25_000)
    asked = [pair for pair in asked if sign(maven, *pair) != "?"]
    source = tmp_path / "Ask.java"
    source.write_text(ASK)
    answers = told(["java", "-cp", str(LIBRARY), str(source)], asked)
    assert disagreements(maven, asked, answers) == []
    assert len(asked) > 24_000
