"""Databases that fail: full, gone, held by others, readable alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from secpipe.errors import ResultsError, UsageError
from secpipe.fleet.ask import ask
from secpipe.fleet.results import Results, open_results
from secpipe.fleet.results.database import connect
from secpipe.fleet.results.postgres import Postgres
from tests.fleet.results.test_record import app, begun, rows


def _many(results: Results, start: int) -> None:
    run = begun(results)
    for number in range(start, start + 2000):
        results.record(run, app(str(number), (f"registry.example/app:{number}",)))
        if number % 50 == 0:
            results.flush()


def test_a_disk_that_is_full_costs_nothing_that_was_written(tmp_path: Path) -> None:
    file = tmp_path / "fleet.sqlite"
    with open_results(str(file)) as results:
        database = results._database
        [(pages,)] = database.rows("PRAGMA page_count")
        database.rows(f"PRAGMA max_page_count = {pages + 100}")
        with pytest.raises(ResultsError, match="full") as caught:
            _many(results, 0)
        assert caught.value.exit_code == 3
        assert "room" in caught.value.hint
    [(images,)] = rows(str(file), "SELECT COUNT(*) FROM images")
    assert isinstance(images, int)
    assert images > 50
    assert rows(str(file), "SELECT COUNT(*) FROM image_contents") == [(2 * images,)]
    with open_results(str(file)) as results:
        run = begun(results)
        assert run.resumed
        assert results.done(run, [app("0").image, app("1999").image])
        results.finish(run)
    assert ask(str(file)).completed is not None


def test_a_real_file_system_without_room(tmp_path: Path) -> None:
    """The limit on the size of files stands for it: SQLite is told by the same call."""
    code = (
        "import resource, signal, sys\n"
        "from tests.fleet.results.test_faults import _many\n"
        "from secpipe.fleet.results import open_results\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "with open_results(sys.argv[1]) as results:\n"
        "    _many(results, 0)\n"
    )
    file = tmp_path / "fleet.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert "ResultsError: cannot write results to" in done.stderr
    [(images,)] = rows(str(file), "SELECT COUNT(*) FROM images")
    assert isinstance(images, int)
    assert rows(str(file), "SELECT COUNT(*) FROM image_contents") == [(2 * images,)]


def test_a_server_that_is_gone_costs_nothing_that_was_written(new_postgres: object, postgres: str) -> None:
    assert callable(new_postgres)
    url = new_postgres()
    results = open_results(url)
    run = begun(results)
    results.record(run, app("1"))
    results.flush()
    server = connect(url, write=False)
    mine = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'secpipe' AND pid <> pg_backend_pid()"""
    assert server.rows(mine)
    server.close()
    results.record(run, app("2"))
    with pytest.raises(
        ResultsError, match="cannot write results to postgresql://postgres@/postgres: "
    ) as caught:
        results.flush()
    assert "reached" in caught.value.hint
    with pytest.raises(ResultsError):
        begun(results)
    results.__exit__(ResultsError, caught.value, None)
    with open_results(url) as again:
        assert begun(again).resumed
    assert rows(url, "SELECT COUNT(*) FROM images") == [(1,)]


def test_a_database_without_the_right_to_make_tables(new_postgres: object, postgres: str) -> None:
    import psycopg

    assert callable(new_postgres)
    url = new_postgres()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS reader")
        owner.execute("CREATE ROLE reader LOGIN")
    with pytest.raises(ResultsError, match="permission denied"):
        open_results(url.replace("postgres@", "reader@"))
    with open_results(url) as results:
        results.record(begun(results), app())
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("GRANT USAGE ON SCHEMA secpipe TO reader")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA secpipe TO reader")
    assert ask(url.replace("postgres@", "reader@")).overview.images == 1
    assert ask(url).overview.images == 1


def test_an_unfinished_word_in_another_transaction_keeps_nobody_waiting(url: str) -> None:
    """Who reads sees one state from first to last, whatever is written meanwhile."""
    with open_results(url) as results:
        run = begun(results)
        results.record(run, app("1"))
        results.flush()
        database = connect(url, write=False)
        with database.transaction():
            before = database.rows("SELECT COUNT(*) FROM images")
            results.record(run, app("2"))
            results.flush()
            assert database.rows("SELECT COUNT(*) FROM images") == before == [(1,)]
        database.close()
        assert ask(url).overview.images == 1
    assert rows(url, "SELECT COUNT(*) FROM images") == [(2,)]


def test_who_reads_cannot_write(url: str) -> None:
    with open_results(url):
        pass
    database = connect(url, write=False)
    with pytest.raises(ResultsError, match="cannot read results from"):
        database.rows("DELETE FROM meta")
    database.close()


def test_passwords_are_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (
        "postgresql://me:hunter2@127.0.0.1:1/db",
        "postgresql://me:hun%32ter2@127.0.0.1:1/db?password=hunter2",
        "postgres://me:hunter2@[::1/db",
        "postgresql://me:hunter2@127.0.0.1:port/db",
        "postgresql://me:hunter2@127.0.0.1:1/db?nonsense=hunter2",
        "postgresql://me:hun@ter2@127.0.0.1:1/db?sslmode=hunter2",
    ):
        for write in (True, False):
            with pytest.raises((ResultsError, UsageError)) as caught:
                connect(address, write=write)
            told = caught.value.message + caught.value.hint
            assert "hunter2" not in told.replace('sslmode value: "hunter2"', "")
            assert "ter2@" not in told


def test_without_psycopg_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="need psycopg") as caught:
        Postgres("postgresql://me:secret@h/db", write=True)
    assert "secpipe[postgres]" in caught.value.hint


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="No such file or directory"):
        open_results(str(tmp_path / "none" / "fleet.sqlite"))


def test_a_file_whose_name_has_every_letter(tmp_path: Path) -> None:
    file = tmp_path / "a ?b#c%41&mode=memory.sqlite"
    with open_results(str(file)) as results:
        results.record(begun(results), app())
    assert file.exists()
    assert ask(f"sqlite:{file}").overview.images == 1


_OTHER_USER = """
import os, sys
from secpipe.fleet.ask import ask
ask(sys.argv[1])  # what is imported is there before the user is another one
os.chmod(os.path.dirname(sys.argv[1]), 0o555)
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(ask(sys.argv[1]).overview.images)
"""


def test_a_folder_that_cannot_be_written_can_be_read() -> None:
    from tempfile import TemporaryDirectory

    # Another user cannot come to pytest's own folders.
    with TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "kept"
        folder.mkdir()
        file = folder / "fleet.sqlite"
        with open_results(str(file)) as results:
            results.record(begun(results), app())
        done = subprocess.run(
            [sys.executable, "-c", _OTHER_USER, str(file)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        folder.chmod(0o755)
    assert (done.stdout, done.stderr) == ("1\n", "")
