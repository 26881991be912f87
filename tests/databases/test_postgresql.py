"""A private PostgreSQL: that it answers, comes back with its data, and leaves nothing, however its owner ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from realtime_kit.databases import PostgreSQL
from realtime_kit.errors import DatabaseError, MissingDependency, UsageError

OWNER = """
import sys
from realtime_kit.databases import PostgreSQL
with PostgreSQL() as db:
    print(db.url, db.folder, db.supervisor_pid, flush=True)
    sys.stdin.read()
"""


def gone(condition: object, *, within_s: float = 15) -> bool:
    until = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def servers(folder: Path, name: str = "") -> list[psutil.Process]:
    """Whoever has the folder in its command line. One may end while it is looked at: only what was read then counts."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "name"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
        and name in ("", process.info["name"])
    ]


def test_it_answers_is_taken_down_and_comes_back_with_its_data() -> None:
    with PostgreSQL() as db:
        with psycopg.connect(db.url) as connection:
            connection.execute("CREATE TABLE seen (id int)")
            connection.execute("INSERT INTO seen VALUES (7)")
            connection.commit()
            db.stop_server()
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(db.url)
        db.start_server()
        with psycopg.connect(db.url) as connection:
            assert connection.execute("SELECT id FROM seen").fetchall() == [(7,)]
        folder = db.folder
    assert not folder.exists()
    assert not servers(folder)


def test_it_does_not_run_as_root_and_has_no_port() -> None:
    with PostgreSQL() as db:
        found = servers(db.folder, "postgres")
        assert found
        assert all(process.uids().real != 0 for process in found)
        assert not [
            each for process in found for each in process.net_connections("inet") if each.status == "LISTEN"
        ]


@pytest.mark.parametrize("victim", ["owner", "supervisor"])
def test_killed_it_leaves_nothing(victim: str) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        url, folder, supervisor = process.stdout.readline().split()
        with psycopg.connect(url):
            os.kill(process.pid if victim == "owner" else int(supervisor), signal.SIGKILL)
            assert gone(lambda: not servers(Path(folder), "postgres"))
        assert gone(lambda: not Path(folder).exists())
        process.kill()


def test_when_owner_and_supervisor_are_killed_at_once_the_next_start_sweeps_the_folder() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        _, name, supervisor = process.stdout.readline().split()
        folder = Path(name)
        os.kill(process.pid, signal.SIGSTOP)  # so that it cannot tidy up in between
        os.kill(int(supervisor), signal.SIGKILL)
        process.kill()
    assert gone(lambda: not servers(folder))
    assert folder.exists()
    with PostgreSQL() as db:
        assert not folder.exists()
        assert db.folder.exists()


def test_one_that_has_ended_says_so() -> None:
    with PostgreSQL() as db:
        db.stop_server()
        os.kill(db.supervisor_pid, signal.SIGTERM)
        assert gone(lambda: not db.folder.exists())
        with pytest.raises((DatabaseError, UsageError)):
            db.start_server()


start = PostgreSQL._start


async def interrupted_at_the_end(db: PostgreSQL) -> None:
    await start(db)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_an_interrupt_when_it_is_ready_but_not_yet_handed_over_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PostgreSQL, "_start", interrupted_at_the_end)
    db = PostgreSQL()
    with pytest.raises(KeyboardInterrupt):
        db.start()
    assert not db.folder.exists()
    assert not servers(db.folder)
    assert db.url == ""


def test_without_it_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(MissingDependency, match=r"not installed.*install-deps --for 10"), PostgreSQL():
        pass


def test_half_of_it_is_not_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(MissingDependency, match=r"no initdb beside it.*install-deps --for 10"), PostgreSQL():
        pass


def test_what_is_not_up_cannot_be_taken_down() -> None:
    with pytest.raises(UsageError, match="not up"):
        PostgreSQL().stop_server()
