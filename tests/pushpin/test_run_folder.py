"""Run folders: short, locked while they are in use, swept when they are not."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime_kit.errors import RunFolderError, SocketPathTooLong
from realtime_kit.pushpin.run_folder import (
    MARK,
    locked_folder,
    make_run_folder,
    processes_in,
    sweep,
    sweep_stale_folders,
)
from realtime_kit.pushpin.version import PushpinVersion

VERSION = PushpinVersion(1, 36)


@pytest.fixture
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rkt-", dir="/tmp") as folder:
        yield Path(folder)


def make(base: Path) -> tuple[Path, int]:
    return make_run_folder(VERSION, base)


def test_it_is_new_each_time_and_for_nobody_else(base: Path) -> None:
    (first, lock), (second, other_lock) = make(base), make(base)
    assert first != second
    assert first.parent == second.parent == base
    assert first.stat().st_mode & 0o777 == 0o700
    os.close(lock)
    os.close(other_lock)


def test_a_folder_for_another_program_is_locked_and_gone_afterwards(base: Path) -> None:
    with locked_folder() as (folder, _):
        (folder / "log").touch()
        sweep_stale_folders(folder.parent)
        assert (folder / "log").exists()
    assert not folder.exists()


def test_where_it_is_to_be_made_is_made_too(base: Path) -> None:
    folder, lock = make_run_folder(VERSION, base / "new" / "and newer")
    assert folder.is_dir()
    os.close(lock)


def test_without_a_wish_it_is_in_tmp_and_short_enough_for_every_socket() -> None:
    folder, lock = make_run_folder(PushpinVersion(1, 41))
    assert folder.parent == Path("/tmp")
    assert len(f"{folder}/k-connmgr-client-in-stream") < 107
    os.close(lock)
    sweep(folder)


@pytest.mark.parametrize("version", [PushpinVersion(1, 36), PushpinVersion(1, 37), PushpinVersion(1, 41)])
def test_the_longest_path_leaves_room_for_the_longest_socket(base: Path, version: PushpinVersion) -> None:
    allowed = 0
    for length in range(60, 100):
        path = base / ("x" * (length - len(f"{base}/")))
        try:
            folder, lock = make_run_folder(version, path)
        except SocketPathTooLong as error:
            assert f"takes {length} bytes, Pushpin {version} leaves room for {allowed}: " in str(error)  # noqa: PT017
            break
        allowed = length
        os.close(lock)
    assert len(os.fsencode(folder)) + len("/k-") + version.longest_socket_name == 107


def test_a_stale_one_is_swept_by_the_next_start_and_one_in_use_is_not(base: Path) -> None:
    (stale, stale_lock), (used, used_lock) = make(base), make(base)
    os.close(stale_lock)
    os.close(make(base)[1])
    assert not stale.exists()
    assert used.exists()
    os.close(used_lock)


def test_what_is_not_ours_or_just_being_made_is_never_swept(base: Path) -> None:
    others = base / "others"
    others.mkdir()
    (others / MARK).touch()
    being_made, link = base / "rk-being-made", base / "rk-link"
    being_made.mkdir()
    link.symlink_to(others)
    (base / "rk-file").touch()
    sweep_stale_folders(base)
    assert {path.name for path in base.iterdir()} == {"others", "rk-being-made", "rk-link", "rk-file"}
    assert (others / MARK).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs somebody else's folder")
def test_somebody_elses_is_not_swept(base: Path) -> None:
    folder, lock = make(base)
    os.close(lock)
    os.chown(folder, 65534, 65534)
    sweep_stale_folders(base)
    assert folder.exists()


def test_sweeping_ends_pushpins_processes_and_nobody_elses(base: Path) -> None:
    folder, lock = make(base)
    argument = f"import sys; sys.stdin.read() # {folder}/pushpin.log"
    (folder / "zurl").symlink_to(sys.executable)
    with (
        subprocess.Popen(["/proc/self/exe", "-c", argument], executable=sys.executable, stdin=-1) as other,
        subprocess.Popen(["sleep", "60"], executable="/bin/sleep", stdin=-1) as another,
    ):
        assert processes_in(folder) == []
        sweep(folder)
        assert not folder.exists()
        assert other.poll() is another.poll() is None
        other.kill()
        another.kill()
    sweep(folder)  # gone already
    os.close(lock)


@pytest.mark.parametrize("name", ["a,b", "a;b", 'a"b', "a\\b", "{rundir}", "ä", "a\nb"])
def test_a_path_that_the_configuration_cannot_hold_is_refused(base: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="which Pushpin's configuration cannot hold"):
        make_run_folder(VERSION, base / name)
