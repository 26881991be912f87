"""The script that limits clients: it changes one argument and becomes the program it stands for."""

import os
import subprocess
from pathlib import Path

import pytest

from realtime_kit.pushpin import client_limit
from realtime_kit.pushpin.client_limit import ROOM_FOR_STATISTICS, limit_clients
from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.version import PushpinVersion


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH with programs that print their arguments, one a line."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    for name in ("condure", "pushpin-condure", "pushpin-connmgr"):
        (folder / name).write_text(f"#!/bin/sh\necho {name}\nprintf '%s\\n' \"$@\"\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def installed(*version: int) -> Installation:
    return Installation(Path("/usr/bin/pushpin"), PushpinVersion(*version), None, "PATH")


@pytest.mark.parametrize(
    ("version", "name"), [((1, 36), "condure"), ((1, 38), "pushpin-condure"), ((1, 41), "pushpin-connmgr")]
)
def test_the_program_gets_the_limit_and_every_other_argument_as_it_was(
    programs: Path, tmp_path: Path, version: tuple[int, int], name: str
) -> None:
    room, environment = limit_clients(installed(*version), tmp_path, 100)
    assert room == ROOM_FOR_STATISTICS
    arguments = ["--listen=a b", f"--stream-maxconn={room}", "--empty=", "*", "$HOME"]
    done = subprocess.run([name, *arguments], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        name,
        "--listen=a b",
        "--stream-maxconn=100",
        "--empty=",
        "*",
        "$HOME",
    ]


def test_a_larger_limit_is_the_room(programs: Path, tmp_path: Path) -> None:
    assert limit_clients(installed(1, 36), tmp_path, ROOM_FOR_STATISTICS + 2)[0] == ROOM_FOR_STATISTICS + 2


def test_later_versions_get_the_limit_in_their_configuration(programs: Path, tmp_path: Path) -> None:
    assert limit_clients(installed(2, 0), tmp_path, 100) == (100, {})


def test_a_program_that_is_not_there_is_left_to_pushpin_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert limit_clients(installed(1, 36), tmp_path, 100) == (100, {})


def test_where_nothing_may_be_executed_the_limit_is_in_the_configuration(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_limit, "_may_run", lambda _: False)
    assert limit_clients(installed(1, 36), tmp_path, 100) == (100, {})
