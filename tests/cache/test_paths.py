"""Where the program's own files are."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from secpipe.cache.folder import Folder
from secpipe.cache.paths import folder, layers_path


def test_named_and_by_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECPIPE_CACHE", str(tmp_path))
    assert layers_path() == tmp_path / "layers"
    monkeypatch.delenv("SECPIPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert folder() == tmp_path / "xdg" / "secpipe"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container under a number that no account has: `~` is then a name like any other, and none to write to."""

    def nobody(number: int) -> None:
        raise KeyError(number)

    for name in ("SECPIPE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    cache = Folder(layers_path(), 1 << 20)
    cache.save(b"key", b"value")
    assert cache.load(b"key") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("home", ["/home/a", "/", "//a/", "/a/../b", "/a b/", "relative", ""])
def test_the_folder_is_where_platformdirs_has_it(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    from platformdirs import user_cache_path

    for name in ("SECPIPE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", home)
    theirs = user_cache_path("secpipe")
    assert folder() == (theirs if theirs.is_absolute() else Path("/dev/null/secpipe"))
