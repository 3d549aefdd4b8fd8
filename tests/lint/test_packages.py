"""What the checks of package managers share: versions of RPM packages, folders that are removed, caches that are cleaned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.lint.packages import literal
from secpipe.lint.removal import reaches
from tests.lint.support import findings, lines

FOLDER = "/var/cache/yum"


@pytest.mark.parametrize(
    ("package", "pinned"),
    [
        ("curl-7.76.1", True),
        ("curl-7.76.1-29.el9_4.x86_64", True),
        ("python3-pip-21", True),
        ("gcc-c++", False),
        ("curl", False),
        ("curl-", False),
        ("curl-7.*", False),
        ("curl-$(cat version)", False),
        ("'perl(Net::SSLeay)'", False),
        ("https://example.org/a.rpm", True),
        ("@tools", True),
    ],
)
@pytest.mark.parametrize(("program", "code"), [("yum", "DL3033"), ("dnf", "DL3041"), ("microdnf", "DL3041")])
def test_versions_of_rpm_packages(program: str, code: str, package: str, pinned: bool) -> None:
    assert (lines(f"FROM a:1\nRUN {program} -y install {package}\n", code) == []) is pinned


def test_a_module_lacks_a_stream_and_no_version() -> None:
    (finding,) = findings("FROM a:1\nRUN dnf -y module install nodejs php:8.2\n", "DL3041")
    assert finding.message == "Pin the stream of `nodejs`: `module:stream`"


@pytest.mark.parametrize(
    ("package", "how"),
    [("requests", "`package==version`"), ("git+https://example.org/a", "`address@commit`")],
)
def test_how_to_pin_depends_on_what_is_installed(package: str, how: str) -> None:
    (finding,) = findings(f"FROM a:1\nRUN pip install {package}\n", "DL3013")
    assert finding.message.endswith(how)


@pytest.mark.parametrize(
    "path",
    [
        FOLDER,
        FOLDER + "/*",
        FOLDER + "/x86_64",
        "/var/cache",
        "/var/cache/*",
        "/var/c*",
        "$ROOT/var/cache/yum",
    ],
)
def test_paths_that_reach_a_folder(path: str) -> None:
    assert reaches(["/tmp", path], FOLDER)


@pytest.mark.parametrize("path", ["", "/", "/*", "/tmp/*", "/var/log", "var/cache", "-rf", "/var/cache/dn"])
def test_paths_that_do_not(path: str) -> None:
    assert not reaches([path], FOLDER)


@pytest.mark.parametrize(
    ("script", "kept"),
    [
        ("yum -y install a-1 && yum clean all", False),
        ("yum -y install a-1 && yum clean all && yum -y install b-1", True),
        ("yum clean all && yum -y install a-1", True),
        ("yum -y install a-1 && rm -rf /var/cache/{dnf,yum}", False),
        ("yum -y install a-1 && echo yum clean all", True),
    ],
)
def test_the_last_install_has_to_be_cleaned_up(script: str, kept: bool) -> None:
    assert (lines(f"FROM a:1\nRUN {script}\n", "DL3032") == [2]) is kept


@given(st.text(alphabet="ab$(){}`-/.=", max_size=40))
def test_a_word_without_its_substitutions_is_no_longer(word: str) -> None:
    assert len(literal(word)) <= len(word)


@given(st.lists(st.text(max_size=20), max_size=5), st.text(max_size=20))
def test_more_paths_never_reach_less(paths: list[str], other: str) -> None:
    assert not reaches(paths, FOLDER) or reaches([*paths, other], FOLDER)
