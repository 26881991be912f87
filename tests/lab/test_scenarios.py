"""Choosing what to break."""

import pytest

from realtime_kit import cli
from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.lab.faults import FaultSettings
from realtime_kit.lab.id_timeline import IdTimelineSettings
from realtime_kit.lab.scenarios import SCENARIOS, find_scenarios, impossible, possible
from realtime_kit.taps.wall_clock import _made


def test_all_are_all_and_names_keep_their_order():
    assert find_scenarios("all") == SCENARIOS
    assert [each.name for each in find_scenarios("down, drop")] == ["down", "drop"]


def test_names_are_unique():
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scenario": "fire"}, "'fire'"),
        ({"seconds": 1}, "seconds is 1"),
        ({"clients": 0}, "clients is 0"),
        ({"rate": 1000}, "rate is 1000"),
        ({"transports": ("pigeons",)}, "'pigeons'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(settings, said):
    with pytest.raises(UsageError, match=said):
        FaultSettings(**settings)


def test_the_command_line_refuses_an_unknown_fault_in_one_line(capsys):
    assert cli.run(["faults", "--scenario", "fire"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("realtime-kit: scenario is 'fire': allowed are all, none, drop")
    assert said.count("\n") == 1


CLOCKS = ["clock-step", "clock-leap"]


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    """As on a machine without one."""
    _made.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    yield
    _made.cache_clear()


@pytest.mark.wall_clock
def test_with_a_compiler_everything_is_possible():
    assert impossible() == {}
    assert possible() == SCENARIOS == FaultSettings().scenarios
    assert FaultSettings().left_out == {}


@pytest.mark.usefixtures("no_compiler")
def test_without_one_all_leaves_out_what_takes_it_and_says_why():
    settings = FaultSettings()
    assert list(settings.left_out) == CLOCKS
    assert all("C compiler" in why and "apt install gcc" in why for why in settings.left_out.values())
    assert [each.name for each in settings.scenarios] == [
        each.name for each in SCENARIOS if each.name not in CLOCKS
    ]
    assert FaultSettings(scenario="none,down").left_out == {}


@pytest.mark.usefixtures("no_compiler")
@pytest.mark.parametrize("name", CLOCKS)
def test_without_one_who_asks_for_it_by_name_gets_the_cure(name):
    with pytest.raises(MissingDependency, match="apt install gcc"):
        FaultSettings(scenario=f"none,{name}")
    with pytest.raises(MissingDependency, match="apt install gcc"):
        IdTimelineSettings(name)


@pytest.mark.usefixtures("no_compiler")
def test_the_command_line_says_the_cure_in_one_line(capsys):
    assert cli.run(["faults", "--scenario", "clock-step"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("realtime-kit: Stepping the wall clock takes a C compiler")
    assert said.count("\n") == 1
