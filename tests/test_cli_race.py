"""What `realtime-kit race` does with a run: where it goes, and what is said before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime_kit import RaceSettings, Run, cli, lab
from realtime_kit.errors import UsageError
from realtime_kit.lab import settings as settings_module
from realtime_kit.measurements import Expectation, Flag, Ledger, Result, Verdict
from realtime_kit.quantities import Latency, Load

COMPLETE, EARLY = (), (Flag("interrupted", 1, 0, "Ended early."),)
LATENCY = Latency(0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
RESULT = Result(
    transport="streaming",
    clients=1,
    published=20,
    ledger=Ledger(20, 20, 0, 0, 0, 0),
    latency=replace(LATENCY, count=20),
    load=Load(),
    theory=Expectation(LATENCY, Load()),
    verdict=Verdict(),
)

Race = Callable[..., int]


@pytest.fixture
def race(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Race:
    """Runs the command in a folder of its own, with a race that ends as it is told."""

    def run(*arguments: str, flags: tuple[Flag, ...] = COMPLETE) -> int:
        result = replace(RESULT, verdict=Verdict(flags))
        finished = Run("race", "2026-01-01T00:00:00Z", {}, (result,))
        monkeypatch.setattr(lab, "race", lambda *_, **__: finished)
        return cli.run(["race", *arguments])

    monkeypatch.chdir(tmp_path)
    return run


def interrupted(file: str) -> bool:
    return Run.load(file).interrupted


BOTH = ("--json", "race.json", "--plot", "race.png")


def test_a_complete_run_takes_the_place_of_an_earlier_one(
    race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("race.json").write_text("earlier")
    assert race(*BOTH) == 0
    assert not interrupted("race.json")
    assert sorted(path.name for path in Path().iterdir()) == ["race.json", "race.png"]
    assert "the run: race.json\nthe picture: race.png\n" in capsys.readouterr().err


def test_an_interrupted_run_is_saved_beside_an_earlier_one_under_a_name_that_is_told(
    race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("race.json").write_text("earlier")
    Path("race.png").write_text("earlier picture")
    assert race(*BOTH, flags=EARLY) == 130
    assert interrupted("race-interrupted.json")
    assert Path("race-interrupted.png").read_bytes().startswith(b"\x89PNG")
    assert Path("race.json").read_text() == "earlier"
    assert Path("race.png").read_text() == "earlier picture"
    assert "the run: race-interrupted.json\nthe picture: race-interrupted.png\n" in capsys.readouterr().err


def test_an_interrupted_run_gets_the_name_that_was_asked_for_where_it_takes_nobodys_place(
    race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    assert race(*BOTH, flags=EARLY) == 130
    assert interrupted("race.json")
    assert sorted(path.name for path in Path().iterdir()) == ["race.json", "race.png"]
    assert "the run: race.json\nthe picture: race.png\n" in capsys.readouterr().err


def test_the_latest_interrupted_run_is_the_one_that_is_kept(race: Race) -> None:
    Path("race.json").write_text("earlier")
    Path("race-interrupted.json").write_text("interrupted earlier")
    assert race("--json", "race.json", flags=EARLY) == 130
    assert interrupted("race-interrupted.json")
    assert len(list(Path().iterdir())) == 2


def test_standard_output_and_devices_have_nothing_beside_them(
    race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("-").write_text("a file of this name")
    assert race("--json", "-", flags=EARLY) == 130
    assert '"format": 1' in capsys.readouterr().out
    assert race("--json", "/dev/null", flags=EARLY) == 130
    assert "the run: /dev/null" in capsys.readouterr().err


def test_a_run_that_cannot_be_saved_is_printed_at_least(
    race: Race, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise UsageError("the run cannot be written to race.json: No space left on device")

    monkeypatch.setattr(Run, "save", full)
    assert race("--json", "race.json") == 2
    out, err = capsys.readouterr()
    assert "20 of 20 received" in out
    assert "No space left on device" in err


def test_whoever_asks_for_too_little_is_warned_before_the_wait(
    race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    race("--clients", "5", "--rate", "2", "--seconds", "10", "--arrivals", "periodic")
    assert capsys.readouterr().err == (
        "100 deliveries a transport are too few for a p99, which needs 1,000: "
        "with 5 clients at 2 events/s it takes about 100 s\n"
    )


def test_whoever_asks_for_enough_is_not_warned(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    race("--clients", "5", "--rate", "2", "--seconds", "100", "--arrivals", "periodic")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("processors", "said"), [(2, "default: {}, or"), (1, "or {} on a machine with one")])
def test_the_help_says_what_the_number_of_clients_defaults_to(
    processors: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings_module, "usable", lambda: processors)
    cli.run(["race", "-h"])
    assert said.format(RaceSettings().clients) in " ".join(capsys.readouterr().out.split())


def test_the_defaults_of_the_command_are_those_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        lab, "race", lambda chosen, **_: asked.append(chosen) or Run("race", "", {}, (RESULT,))
    )
    cli.run(["race"])
    assert asked == [RaceSettings()]
