"""Values in a folder: whatever happens to the files, what is loaded is what was saved, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.cache.folder import Folder, clean, measure

MANY = 1 << 30


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "layers"


def only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_saved_is_loaded(place: Path) -> None:
    cache = Folder(place, MANY)
    assert cache.load(b"key") is None
    cache.save(b"key", b"value")
    cache.save(b"", b"")
    assert (cache.load(b"key"), cache.load(b""), cache.load(b"other")) == (b"value", b"", None)
    cache.save(b"key", b"newer")
    assert Folder(place, MANY).load(b"key") == b"newer"
    assert measure(place) == (2, 2 * 32 + 5)


def test_nobody_else_may_read_it(place: Path) -> None:
    """It holds parts of images that may be private."""
    Folder(place, MANY).save(b"key", b"value")
    assert place.stat().st_mode & 0o777 == 0o700
    assert only(place).stat().st_mode & 0o777 == 0o600


@given(st.integers(0, 200), st.integers(1, 255))
def test_damage_is_a_miss(tmp_path_factory: pytest.TempPathFactory, at: int, change: int) -> None:
    place = tmp_path_factory.mktemp("damaged") / "layers"
    cache = Folder(place, MANY)
    cache.save(b"key", b"v" * 169)
    path = only(place)
    data = bytearray(path.read_bytes())
    data[at] ^= change
    path.write_bytes(data)
    assert cache.load(b"key") is None
    assert measure(place).files == 0
    cache.save(b"key", b"v" * 169)
    path.write_bytes(path.read_bytes()[:at])
    assert cache.load(b"key") is None


def test_a_file_under_anothers_name_is_a_miss(place: Path) -> None:
    cache = Folder(place, MANY)
    cache.save(b"one", b"1")
    one = only(place)
    cache.save(b"two", b"2")
    (two,) = set(place.iterdir()) - {one}
    two.write_bytes(one.read_bytes())
    assert (cache.load(b"one"), cache.load(b"two")) == (b"1", None)


def test_what_was_not_used_for_longest_goes_first(place: Path) -> None:
    cache = Folder(place, 10_000)
    for number in range(9):
        cache.save(b"%d" % number, bytes(1000))
        os.utime(max(place.iterdir(), key=lambda path: path.stat().st_ctime_ns), (number, number))
    cache.trim()
    assert measure(place).files == 9
    assert cache.load(b"0") is not None
    cache.save(b"9", bytes(1000))
    cache.trim()
    left = [number for number in range(10) if cache.load(b"%d" % number) is not None]
    assert 0 in left
    assert 9 in left
    assert 1 not in left
    assert measure(place).bytes <= 7_500


def test_what_would_fill_it_alone_is_not_kept(place: Path) -> None:
    for most in (0, 1000):
        Folder(place, most).save(b"key", bytes(501))
    assert not place.exists()


def test_what_a_killed_process_left_goes_in_time(place: Path) -> None:
    cache = Folder(place, MANY)
    cache.save(b"key", b"value")
    old, new = place / "a.1.part", place / "b.1.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    cache.trim()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_others_may_write_to_is_not_believed(place: Path) -> None:
    cache = Folder(place, MANY)
    cache.save(b"key", b"value")
    for mode in (0o777, 0o770, 0o702):
        place.chmod(mode)
        cache.save(b"other", b"value")
        assert (cache.load(b"key"), cache.load(b"other")) == (None, None)
    place.chmod(0o755)
    assert cache.load(b"key") == b"value"


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    for place in (file, file / "below", Path("/proc/none/layers")):
        cache = Folder(place, MANY)
        cache.save(b"key", b"value")
        cache.trim()
        assert cache.load(b"key") is None
        assert measure(place) == clean(place) == (0, 0)


def test_clean(place: Path) -> None:
    cache = Folder(place, MANY)
    cache.save(b"key", b"value")
    assert clean(place) == (1, 37)
    assert measure(place) == (0, 0)


_WORKER = """
import sys
from pathlib import Path
from secpipe.cache.folder import Folder, clean
cache = Folder(Path(sys.argv[1]), 40_000)
for round in range(150):
    number = (round * int(sys.argv[2])) % 17
    value = cache.load(b"%d" % number)
    assert value in (None, b"%d" % number * 3000), number
    cache.save(b"%d" % number, b"%d" % number * 3000)
    cache.trim()
    if round % 50 == 49:
        clean(Path(sys.argv[1]))
"""


def test_many_processes_at_once(place: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, str(place), str(step)]) for step in (1, 3, 5, 7)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    assert not [path for path in place.iterdir() if path.suffix == ".part"]
    assert measure(place).bytes <= 40_000 + 4 * 6_100
