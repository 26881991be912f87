"""A race against the real Pushpin, small, and what must hold in every one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from realtime_kit import Pushpin, PushpinSettings, Route, Run, race
from realtime_kit.errors import PushpinStopped
from realtime_kit.lab import TRANSPORTS, Progress
from realtime_kit.pushpin.ports import free_port

pytestmark = pytest.mark.live

SMALL = {"clients": 5, "rate": 10.0, "interval_s": 0.5, "seconds": 3.0}


@pytest.fixture(scope="module")
def run() -> Run:
    return race(**SMALL)


def test_every_transport_has_a_result(run: Run) -> None:
    assert [result.transport for result in run.results] == list(TRANSPORTS)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_without_faults_nothing_is_lost_or_comes_twice(run: Run, transport: str) -> None:
    ledger = run[transport].ledger
    assert ledger.expected == SMALL["clients"] * run[transport].published > 0
    assert (ledger.received, ledger.lost) == (ledger.expected, 0)
    assert (ledger.duplicate, ledger.reordered, ledger.unexpected) == (0, 0, 0)


@pytest.mark.parametrize("transport", ["streaming", "websocket"])
def test_bytes_on_the_wire_are_what_the_framing_says(run: Run, transport: str) -> None:
    # Events at the window's edge belong to one side or the other; sizes differ only by the id's digits.
    measured, theory = run[transport].load.bytes_per_delivery, run[transport].theory.load.bytes_per_delivery
    assert measured == pytest.approx(theory, abs=1.0)


def test_polling_asks_as_often_as_theory_says(run: Run) -> None:
    result = run["polling"]
    assert result.load.origin_requests_per_s == pytest.approx(
        result.theory.load.origin_requests_per_s, rel=0.1
    )
    assert result.load.origin_requests == result.load.proxy_requests


def test_polling_is_an_interval_late_at_most_and_pushing_is_far_quicker(run: Run) -> None:
    polling = run["polling"].latency
    assert polling.mean == pytest.approx(run["polling"].theory.latency.mean, rel=0.25)
    for transport in ("long-polling", "streaming", "websocket"):
        assert run[transport].latency.p50 < polling.p50 / 5


def test_streams_cost_the_origin_no_request(run: Run) -> None:
    assert run["streaming"].load.origin_requests == 0
    assert run["websocket"].load.origin_requests == 0


def test_too_few_deliveries_are_flagged(run: Run) -> None:
    assert "too-few-samples" in [flag.name for flag in run["polling"].verdict.flags]
    assert not run.trustworthy


def test_a_run_survives_being_saved(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run


def test_a_run_prints_itself_for_people(run: Run) -> None:
    assert "long-polling" in str(run)
    assert "<table" in run._repr_html_()


def test_the_limiter_is_flagged_when_it_was_in_play() -> None:
    limited = PushpinSettings(message_rate=20)
    result = race(transports="streaming", pushpin_settings=limited, **SMALL)["streaming"]
    assert "rate-limiter" in [flag.name for flag in result.verdict.flags]


def test_a_race_runs_against_an_attached_pushpin() -> None:
    port = free_port()
    with Pushpin((Route(f"127.0.0.1:{port}", over_http=True),)) as there:
        attached = Pushpin.attach(str(there.url), there.control_url)
        run = race(pushpin=attached, origin_port=port, transports="streaming,websocket", **SMALL)
    assert all(result.ledger.lost == 0 for result in run.results)
    assert "rate-limiter-unknown" in [flag.name for flag in run["streaming"].verdict.flags]


def test_progress_is_reported_while_it_runs() -> None:
    seen: list[Progress] = []
    run = race(transports="polling,streaming", on_progress=seen.append, **SMALL)
    assert {"measuring", "settling"} <= {progress.phase for progress in seen}
    assert max(sum(progress.received.values()) for progress in seen) > 0
    for transport in ("polling", "streaming"):
        # Every delivery is shown once, with the latency that the result has it with.
        shown = [took_s for progress in seen for took_s in progress.latencies_s.get(transport, ())]
        assert len(shown) == run[transport].ledger.received
        assert max(shown) == pytest.approx(run[transport].latency.max, abs=1e-6)
        assert run[transport].load.origin_requests <= max(p.origin_requests.get(transport, 0) for p in seen)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "realtime_kit.cli", "race", *arguments]


def test_the_command_prints_the_run_to_standard_output_and_draws_it(tmp_path: Path) -> None:
    picture = tmp_path / "race.png"
    options = [
        "--transports",
        "streaming",
        "--clients",
        "20",
        "--rate",
        "30",
        "--seconds",
        "2",
        "--json",
        "-",
        "--plot",
    ]
    done = subprocess.run(command(*options, str(picture)), capture_output=True, text=True, timeout=60)
    values = json.loads(done.stdout)
    assert values["results"][0]["ledger"]["lost"] == 0
    assert "streaming" in done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert done.returncode == (0 if values["results"][0]["verdict"]["trustworthy"] else 1)


def interrupted(*conditions: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command, and send it an interrupt when each condition on its progress `p` holds, one after the other."""
    script = f"""
import os, signal
import realtime_kit.lab.terminal as terminal
from realtime_kit import cli

conditions = [{", ".join(f"lambda p: {condition}" for condition in conditions)}]
call = terminal.TerminalProgress.__call__

def show(self, progress):
    call(self, progress)
    if conditions and conditions[0](progress):
        del conditions[0]
        os.kill(os.getpid(), signal.SIGINT)

terminal.TerminalProgress.__call__ = show
cli.main(["race", *{list(arguments)!r}])
"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line]


LONG = ("--seconds", "60", "--rate", "10", "--interval", "0.5")


def test_ctrl_c_says_so_keeps_what_was_measured_and_an_earlier_run(tmp_path: Path) -> None:
    earlier = tmp_path / "run.json"
    earlier.write_text("earlier")
    done = interrupted("p.received.get('polling', 0) > 600", arguments=[*LONG, "--json", str(earlier)])
    assert done.returncode == 130, done.stderr
    assert said(done) == [
        "finishing with what was measured; Ctrl-C again discards it",
        f"the run: {tmp_path / 'run-interrupted.json'}",
    ]
    assert "interrupted" in done.stdout
    assert earlier.read_text() == "earlier"
    run = Run.load(tmp_path / "run-interrupted.json")
    assert run.interrupted
    for result in run.results:
        assert result.ledger.lost == 0
        assert result.ledger.received > 0


def test_ctrl_c_right_after_the_start_draws_and_prints_what_little_there_is(tmp_path: Path) -> None:
    picture = tmp_path / "run.png"
    done = interrupted("p.phase == 'measuring'", arguments=["--clients", "2", "--plot", str(picture)])
    assert done.returncode == 130, done.stderr
    assert "0 of 0" not in done.stdout
    assert "Half of all" not in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_twice_discards_the_run_and_leaves_nothing(tmp_path: Path, nothing_left_behind: str) -> None:
    saved = tmp_path / "run.json"
    done = interrupted(
        "p.received.get('streaming', 0) > 0",
        "p.phase == 'ending early'",
        arguments=[*LONG, "--json", str(saved)],
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert said(done) == [
        "finishing with what was measured; Ctrl-C again discards it",
        "realtime-kit: interrupted",
    ]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_before_anything_was_measured_says_so_and_leaves_nothing() -> None:
    done = interrupted("p.phase == 'roll call'", arguments=[])
    assert done.returncode == 130
    assert done.stdout == ""
    assert said(done) == ["stopping; nothing had been measured yet", "realtime-kit: interrupted"]


def test_a_pushpin_that_dies_in_the_middle_ends_the_race_with_its_reason() -> None:
    def kill_a_service(progress: Progress) -> None:
        if progress.received.get("streaming"):
            for process in psutil.Process().children(recursive=True):
                if process.name() == "pushpin-handler":
                    process.kill()

    with pytest.raises(PushpinStopped, match="handler"):
        race(transports="streaming", on_progress=kill_a_service, **SMALL)
