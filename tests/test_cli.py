"""The command line, as a person meets it: what it prints where, and its exit status."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from realtime_kit import cli
from realtime_kit.origin import LESSONS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("race --rate fast", "'fast' is not a valid float"),
        (
            "race --transports polling,pigeon",
            "transports is 'polling,pigeon': allowed are polling, long-polling",
        ),
        ("race --clients 0", "clients is 0: allowed is 1 to 1000"),
        ("race --seconds -1", "seconds is -1: allowed is 1 to 3600"),
        ("race --interval 0", "interval is 0: allowed is 0.05 to 3600"),
        ("race --arrivals bursty", "arrivals is 'bursty': allowed are poisson, periodic"),
        ("race --json /nowhere/run.json", "/nowhere/run.json cannot be written"),
        ("race --plot picture.bmp", "picture.bmp"),
        (
            "serve juggling",
            "there is no lesson 'juggling' with an origin of its own; there are polling, long-polling, streaming",
        ),
        (
            "export juggling /tmp/nowhere",
            "there is no lesson 'juggling' with an origin of its own; there are",
        ),
        ("export streaming /", "/ is not empty: give a new folder, nothing is overwritten"),
        ("export streaming /proc/prototype", "/proc/prototype cannot be written: "),
        ("export streaming /etc/passwd", "/etc/passwd cannot be written: there is a file of that name"),
        ("export streaming /tmp/nowhere --port 65534", "port is 65534: it has to be 1 to 65,533"),
        ("export streaming", "export needs a lesson, one of polling, long-polling"),
        ("serve", "serve needs a lesson: one of polling, long-polling, streaming, websocket"),
        ("serve streaming --port 99999", "99999"),
        ("juggle", "No such command 'juggle'"),
    ],
)
def test_unusable_arguments_get_one_line_and_exit_status_2(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("realtime-kit: ")
    assert err.count("\n") == 1


def test_a_missing_pushpin_gets_its_cure_and_exit_status_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REALTIME_KIT_HOME", str(tmp_path))
    monkeypatch.delenv("REALTIME_KIT_PUSHPIN", raising=False)
    assert cli.run(["serve", "streaming"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "No Pushpin was found" in err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert "0.1.0" in capsys.readouterr().out


def test_alone_it_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: realtime-kit ")
    assert "serve " in out
    assert err == ""


@pytest.mark.parametrize(("command", "arguments"), [("serve", "LESSON"), ("export", "LESSON DIR")])
def test_the_help_names_every_lesson(
    command: str, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"realtime-kit {command} [OPTIONS] {arguments}\n" in said
    assert all(lesson.name in said for lesson in LESSONS)


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("race", "doctor", "install-deps", "serve", "export", "up"):
        assert cli.run([name, "--help"]) == 0
        assert "Usage: realtime-kit" in capsys.readouterr().out


@pytest.mark.live
def test_doctor_finds_everything_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor"]) == 0
    assert "Every lesson can run." in capsys.readouterr().out


@pytest.mark.live
def test_doctor_prints_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] is True
    assert {"name", "ok", "found", "cure", "needed"} == set(answer["findings"][0])


@pytest.mark.live
def test_install_deps_has_nothing_to_do_a_second_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["install-deps", "--dry-run"]) == 0
    assert cli.run(["install-deps"]) == 0


@pytest.mark.live
def test_an_interrupt_is_the_calm_end_of_serve() -> None:
    command = [sys.executable, "-m", "realtime_kit.cli", "serve", "polling"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as serving:
        assert serving.stdout
        while "Ctrl-C" not in (line := serving.stdout.readline()):
            assert line, serving.communicate()
        serving.send_signal(signal.SIGINT)
        _, errors = serving.communicate()
    assert (serving.returncode, errors) == (130, "\nstopped\n")
