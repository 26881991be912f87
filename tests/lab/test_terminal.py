"""Progress on a terminal, and what is said where there is none."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from realtime_kit.lab.interruption import ENDING_EARLY, STOPPING
from realtime_kit.lab.terminal import TerminalProgress
from realtime_kit.measurements.progress import Progress


def shown(*phases: str, terminal: bool) -> str:
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    with TerminalProgress(console) as show:
        for phase in phases:
            show(Progress(phase, 0.5, {"streaming": 1234}))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_terminal_sees_the_phase_and_the_deliveries() -> None:
    text = shown("measuring", terminal=True)
    assert "measuring" in text
    assert "streaming 1,234" in text


def test_a_pipe_sees_nothing_of_it() -> None:
    assert shown("measuring", "settling", terminal=False) == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_whoever_interrupts_is_told_what_happens_and_what_another_interrupt_does(terminal: bool) -> None:
    assert "finishing with what was measured; Ctrl-C again discards it\n" in (
        shown("measuring", ENDING_EARLY, terminal=terminal)
    )
    assert "stopping; nothing had been measured yet\n" in shown(STOPPING, terminal=terminal)
