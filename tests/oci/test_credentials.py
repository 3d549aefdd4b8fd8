"""Where credentials come from, and that they stay where they belong."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import UsageError
from secpipe.oci import credentials, helper
from secpipe.oci.credentials import Credentials, find
from secpipe.oci.reference import parse


def auth(username: str, password: str = "secret") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


class Home:
    """A user's directories, and what is found in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"HOME": str(root), "XDG_RUNTIME_DIR": str(root / "run")}

    def write(self, name: str, document: Any) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    def find(self, image: str = "r.example/ns/app", authfile: Path | None = None) -> Credentials | None:
        return find(parse(image), authfile, self.environ).credentials

    def user(self, image: str = "r.example/ns/app") -> str | None:
        found = self.find(image)
        return found.username if found else None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_nothing(home: Home) -> None:
    assert home.find() is None
    assert find(parse("r.example/app"), None, {}).credentials is None


def test_the_order_of_files(home: Home) -> None:
    """From the last to the first: each new file hides those written before."""
    names = [".dockercfg", ".docker/config.json", ".config/containers/auth.json", "run/containers/auth.json"]
    for name in names:
        entries = {"r.example": auth(name)}
        home.write(name, entries if name == ".dockercfg" else {"auths": entries})
        assert home.user() == name
    home.environ["DOCKER_CONFIG"] = str(
        home.write("docker/config.json", {"auths": {"r.example": auth("d")}}).parent
    )
    assert home.user() == names[-1]
    for name in ("run/containers/auth.json", ".config/containers/auth.json"):
        (home.root / name).unlink()
    assert home.user() == "d"
    home.environ["XDG_CONFIG_HOME"] = str(home.root / "xdg")
    home.write("xdg/containers/auth.json", {"auths": {"r.example": auth("x")}})
    assert home.user() == "x"


def test_a_file_without_the_registry_is_passed_over(home: Home) -> None:
    home.write("run/containers/auth.json", {"auths": {"other.example": auth("other")}})
    home.write(".docker/config.json", {"auths": {"r.example": auth("me")}})
    assert home.user() == "me"


def test_a_named_file_is_the_only_one(home: Home) -> None:
    home.write(".docker/config.json", {"auths": {"r.example": auth("docker")}})
    named = home.write("named.json", {"auths": {"r.example": auth("named")}})
    empty = home.write("empty.json", {})
    found = home.find(authfile=named)
    assert found
    assert found.username == "named"
    assert home.find(authfile=empty) is None
    home.environ["REGISTRY_AUTH_FILE"] = str(empty)
    assert home.user() is None
    with pytest.raises(UsageError, match=r"none\.json cannot be read"):
        home.find(authfile=home.root / "none.json")


@pytest.mark.parametrize(
    ("keys", "image", "user"),
    [
        (["r.example", "r.example/ns", "r.example/ns/app"], "r.example/ns/app", "r.example/ns/app"),
        (["r.example", "r.example/ns"], "r.example/ns/app", "r.example/ns"),
        (["r.example/other", "r.example"], "r.example/ns/app", "r.example"),
        (["r.example/n"], "r.example/ns/app", None),
        (["https://r.example"], "r.example/ns/app", "https://r.example"),
        (["https://r.example/v1/"], "r.example/ns/app", "https://r.example/v1/"),
        (["http://r.example:5000/v2/"], "r.example:5000/app", "http://r.example:5000/v2/"),
        (["r.example"], "r.example:5000/app", None),
        (["r.example:5000"], "r.example/app", None),
        (["https://index.docker.io/v1/"], "alpine", "https://index.docker.io/v1/"),
        (["docker.io"], "alpine", "docker.io"),
        (["index.docker.io"], "alpine", "index.docker.io"),
        (["registry-1.docker.io"], "alpine", "registry-1.docker.io"),
        (["docker.io/library", "https://index.docker.io/v1/"], "alpine", "docker.io/library"),
        (["R.Example"], "r.example/app", "R.Example"),
        (["r.example/"], "r.example/app", "r.example/"),
        (["evil.example/r.example"], "r.example/app", None),
        (["https://evil.example/r.example"], "r.example/app", None),
    ],
)
def test_keys(home: Home, keys: list[str], image: str, user: str | None) -> None:
    home.write(".docker/config.json", {"auths": {key: auth(key.replace(":", ";")) for key in keys}})
    assert home.user(image) == (user.replace(":", ";") if user else None)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (auth("u", "p:a:s"), Credentials("u", "p:a:s")),
        (auth("ü", "pä"), Credentials("ü", "pä")),
        ({"auth": base64.b64encode(b"u:p\0\0").decode()}, Credentials("u", "p")),
        ({"auth": base64.b64encode(b"u:p").decode() + "\n"}, Credentials("u", "p")),
        ({"username": "u", "password": "p"}, Credentials("u", "p")),
        ({**auth("u", ""), "identitytoken": "t"}, Credentials("u", identity_token="t")),
        ({"identitytoken": "t"}, Credentials(identity_token="t")),
        ({"registrytoken": "t"}, Credentials(registry_token="t")),
        ({}, None),
        ({"auth": ""}, None),
        ({"auth": 3}, None),
        ("text", None),
        (None, None),
    ],
)
def test_entries(home: Home, entry: Any, expected: Credentials | None) -> None:
    path = home.write(".docker/config.json", {"auths": {"r.example": entry}})
    found = home.find()
    if expected is None:
        assert found is None
    else:
        assert found
        assert (found.username, found.password, found.identity_token, found.registry_token) == (
            expected.username,
            expected.password,
            expected.identity_token,
            expected.registry_token,
        )
        assert found.origin == str(path)


@pytest.mark.parametrize(
    "encoded", ["%%%", "dTp", base64.b64encode(b"\xff:\xff").decode()], ids=["alphabet", "padding", "UTF-8"]
)
def test_broken_entries(home: Home, encoded: str) -> None:
    home.write(".docker/config.json", {"auths": {"r.example": {"auth": encoded}}})
    with pytest.raises(UsageError, match=r"broken 'auth' entry for r\.example") as raised:
        home.find()
    assert encoded not in raised.value.message + raised.value.hint


@pytest.mark.parametrize(
    "entry",
    [
        {"username": "\ud800", "password": "hunter2"},
        {"username": "u", "password": "hunter2\udcff"},
        {"identitytoken": "hunter2\udfff"},
        {"registrytoken": "hunter2\r\nX: y"},
        {"registrytoken": "hunter2ü"},
        {"auth": base64.b64encode(b"hunter2").decode()},
    ],
)
def test_what_no_header_can_carry(home: Home, entry: dict[str, str]) -> None:
    home.write(".docker/config.json", {"auths": {"r.example": entry}})
    with pytest.raises(UsageError, match=r"config\.json") as raised:
        home.find()
    assert "hunter2" not in raised.value.message + raised.value.hint


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\xff", "[" * 100_000])
def test_broken_files(home: Home, text: str) -> None:
    home.write(".docker/config.json", text)
    with pytest.raises(UsageError, match=r"config\.json"):
        home.find()


def test_odd_files(home: Home) -> None:
    for document in ("", "{}", {"auths": None}, {"auths": [], "credHelpers": 3, "credsStore": {}}):
        home.write(".docker/config.json", document)
        assert home.find() is None


def test_files_that_cannot_be_read_are_told_only_when_it_matters(home: Home) -> None:
    (home.root / ".docker/config.json").mkdir(parents=True)
    found = find(parse("r.example/app"), None, home.environ)
    assert found.credentials is None
    assert "cannot be read" in found.troubles[0]


def test_secrets_do_not_show() -> None:
    known = Credentials("me", "hunter2", "identity", "registry", "x")
    assert not {"hunter2", "identity", "registry"} & set(repr(known).replace("'", " ").split())
    assert "hunter2" not in repr(helper.Said("me", "hunter2"))
    assert known.basic() == "Basic " + base64.b64encode(b"me:hunter2").decode()


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["auths", "r.example", "auth", "credsStore", "https://r.example/", "x"]), x
            )
        ),
    )
)
def test_any_document(document: Any) -> None:
    if isinstance(document, dict):
        document.pop("credsStore", None)
        try:
            credentials._in_file(document, parse("r.example/app"), Path("x"), [])
        except UsageError as error:
            assert "broken" in error.message or "are not in UTF-8" in error.message  # noqa: PT017


# Helpers -------------------------------------------------------------------------------------------------------------


class Path_:
    """A directory on PATH with helpers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def helper(self, name: str, script: str) -> None:
        path = self.folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path_:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Path_(folder)


ANSWER = """read server; printf '{"ServerURL": "%s", "Username": "u", "Secret": "for %s by %s"}' "$server" "$server" "$1\""""


def test_a_helper(path: Path_) -> None:
    path.helper("x", ANSWER)
    said = helper.ask("x", "r.example")
    assert (said.username, said.secret, said.trouble) == ("u", "for r.example by get", "")


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("echo credentials not found in native keychain; exit 1", ""),
        ("echo no; echo hunter2 >&2; exit 1", "failed (exit 1)"),
        ("echo nonsense", "answered no JSON"),
        ("echo '{}'", "answered no JSON"),
        ("echo '[]'", "answered no JSON"),
        ("""echo '{"Username": 1, "Secret": "s"}'""", "answered no JSON"),
        ("exec yes", "did not finish"),
        ("sleep 60", "did not finish"),
        ("exec >&-; sleep 60", "did not finish"),
        ("sleep 60 & exit 0", "did not finish"),
    ],
)
def test_helpers_that_do_not_help(path: Path_, script: str, trouble: str) -> None:
    path.helper("x", script)
    start = time.monotonic()
    said = helper.ask("x", "r.example", 0.3)
    assert time.monotonic() - start < 5
    assert said.secret == ""
    assert (trouble in said.trouble) if trouble else not said.trouble
    assert "hunter2" not in said.trouble


@pytest.mark.parametrize("name", ["../../x", "x/y", "", "x y", "-x\n", "x;id"])
def test_names_that_are_no_helpers(path: Path_, name: str) -> None:
    assert "is no name of a credential helper" in helper.ask(name, "r.example").trouble


def test_a_helper_that_is_not_there(path: Path_, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not on PATH" in helper.ask("none", "r.example").trouble
    path.helper("here", "echo '{}'")
    monkeypatch.setenv("PATH", ".")
    monkeypatch.chdir(path.folder)
    assert "is not on PATH" in helper.ask("here", "r.example").trouble


def test_helpers_in_files(home: Home, path: Path_) -> None:
    path.helper("one", ANSWER)
    path.helper("hub", """read s; printf '{"Username": "<token>", "Secret": "%s"}' "$s\"""")
    home.write(
        ".docker/config.json",
        {
            "credHelpers": {"r.example": "one", "docker.io": "hub"},
            "auths": {"r.example": auth("file"), "s.example": {}},
            "credsStore": "missing",
        },
    )
    found = home.find()
    assert found
    assert (found.username, found.password) == ("u", "for r.example by get")
    hub = home.find("alpine")
    assert hub
    assert (hub.username, hub.identity_token) == ("", "https://index.docker.io/v1/")
    missing = find(parse("s.example/app"), None, home.environ)
    assert missing.credentials is None
    assert missing.troubles == ("docker-credential-missing is not on PATH",)


def test_a_helper_that_answers_with_half_a_character(home: Home, path: Path_) -> None:
    path.helper("x", r"""printf '{"Username": "u", "Secret": "hunter2\\ud800"}'""")
    home.write(".docker/config.json", {"credHelpers": {"r.example": "x"}})
    with pytest.raises(UsageError, match="docker-credential-x are not in UTF-8"):
        home.find()


def test_a_store_comes_after_entries(home: Home, path: Path_) -> None:
    path.helper("store", ANSWER)
    home.write(".docker/config.json", {"credsStore": "store", "auths": {"r.example": auth("file")}})
    assert home.user() == "file"
    assert home.user("s.example/app") == "u"
