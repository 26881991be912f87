"""The supervisor's parts that need no Pushpin: its log, and finding who is below it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from realtime_kit.pushpin import supervisor
from realtime_kit.pushpin.supervised import _read_log
from realtime_kit.pushpin.supervisor import CappedLog


def test_a_log_keeps_between_one_and_two_of_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LOG_BYTES", 100)
    path = tmp_path / "log"
    log = CappedLog(str(path))
    for number in range(100):
        log.write(b"%09d\n" % number)
        kept = _read_log(path)
        assert kept.endswith(f"{number:09}\n")
        assert len(kept) <= 200
        assert number < 20 or len(kept) > 100
    log._file.close()
    assert [int(line) for line in _read_log(path).split()] == list(range(100 - len(kept) // 10, 100))


def test_a_log_that_was_rotated_while_it_was_read_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    (tmp_path / "log.1").write_text("oldest\n")
    with_name = Path.with_name

    def rotate_meanwhile(self: Path, name: str) -> Path:
        path.replace(tmp_path / "log.1")
        path.write_text("new\n")
        return with_name(self, name)

    monkeypatch.setattr(Path, "with_name", rotate_meanwhile)
    assert _read_log(path) == "old\n"


def test_a_log_that_is_no_longer_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _read_log(tmp_path / "log")


def test_the_tail_of_a_log_survives_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    log = CappedLog(str(folder / "log"))
    log.write(b"x" * supervisor._TAIL_BYTES)
    (folder / "log").unlink()
    folder.rmdir()
    log.write(b"y" * supervisor._LOG_BYTES + b"end")  # has to be rotated, and cannot
    log._file.close()
    assert log.tail.endswith(b"yend")
    assert len(log.tail) == supervisor._TAIL_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_descendants_are_found_whichever_thread_started_them() -> None:
    script = (
        "import subprocess, sys, threading;"
        "start = lambda: subprocess.Popen(['sleep', '60'], start_new_session=True);"
        "thread = threading.Thread(target=lambda: (print(start().pid, flush=True), sys.stdin.read()));"
        "thread.start(); thread.join()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        found = supervisor.descendants()
        for pid in (process.pid, grandchild):
            os.kill(pid, 9)
    assert {process.pid, grandchild} <= set(found)


def test_what_is_told_to_it_fits_into_one_argument_and_hides_nothing(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    told = {
        "argv": ["/no/pushpin"],
        "environment": {},
        "folder": folder,
        "cwd": folder,
        "shows_errors": False,
    }
    orders = json.dumps(told)
    (tmp_path / "run").mkdir()
    done = subprocess.run(
        [sys.executable, "-I", "-S", supervisor.__file__, orders],
        input="",
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"code": null' in done.stdout
    assert "cannot start /no/pushpin: [Errno 2] No such file or directory" in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "run").exists()
