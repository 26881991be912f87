"""Choosing what to break."""

import pytest

from realtime_kit import cli
from realtime_kit.errors import UsageError
from realtime_kit.lab.faults import FaultSettings
from realtime_kit.lab.scenarios import SCENARIOS, find_scenarios


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
