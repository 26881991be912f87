import os
import signal
import subprocess
import time

import psutil
import pytest

from realtime_kit.errors import MissingDependency
from realtime_kit.pushpin.step import TAIL_LINES, Step, run_steps


def shell(script: str, *, required: bool = True) -> Step:
    return Step(("sh", "-c", script), "Try something.", required)


def test_a_step_prints_as_a_line_for_the_shell() -> None:
    assert str(Step(("mv", "-T", "a b", "c"), "")) == "mv -T 'a b' c"


def test_each_step_is_announced_with_its_reason_before_it_runs() -> None:
    said: list[str] = []
    run_steps([shell("true"), shell("exit 0")], echo=said.append)
    assert said == ["Try something.\n  $ sh -c true", "Try something.\n  $ sh -c 'exit 0'"]


def test_a_failing_step_ends_the_installation_with_the_tail_of_its_output() -> None:
    with pytest.raises(MissingDependency) as caught:
        run_steps([shell("seq 100; echo no space left >&2; exit 3"), shell("exit 4")], echo=lambda _: None)
    first, ended, *tail = caught.value.what.splitlines()
    assert first == "Pushpin could not be installed."
    assert ended.endswith("exit 3'` ended with status 3. The last it said:")
    assert (len(tail), tail[-2:]) == (TAIL_LINES, ["  100", "  no space left"])


def test_a_step_that_may_fail_is_told_and_passed_over() -> None:
    said: list[str] = []
    run_steps([shell("exit 5", required=False), shell("true")], echo=said.append)
    assert said[1] == "  It ended with status 5; going on, as this may not matter."


def test_the_error_also_has_what_a_passed_over_step_said() -> None:
    steps = [shell("echo the cause; exit 1", required=False), shell("echo the consequence; exit 2")]
    with pytest.raises(MissingDependency, match=r"the cause(.|\n)*the consequence"):
        run_steps(steps, echo=lambda _: None)


def test_network_trouble_has_its_own_cure() -> None:
    with pytest.raises(MissingDependency) as caught:
        run_steps([shell("echo \"E: Could not resolve 'example'\"; exit 100")], echo=lambda _: None)
    assert caught.value.cure.startswith("Check this machine's network and proxy settings")


def test_outdated_package_lists_have_their_own_cure() -> None:
    with pytest.raises(MissingDependency) as caught:
        run_steps([shell("echo 'E: Failed to fetch it  404  Not Found'; exit 100")], echo=lambda _: None)
    assert caught.value.cure.startswith("Run `apt-get update`, as apt's lists are out of date")


def test_a_package_that_apt_does_not_know_has_its_own_cure() -> None:
    with pytest.raises(MissingDependency) as caught:
        run_steps([shell("echo E: Unable to locate package pushpin; exit 100")], echo=lambda _: None)
    assert caught.value.cure.startswith("Remove the gap in apt's sources (Ubuntu has Pushpin in `universe`)")


def test_a_command_that_is_not_there_is_a_failing_step() -> None:
    with pytest.raises(MissingDependency, match=r"status 127(.|\n)*no-such-command: No such file"):
        run_steps([Step(("no-such-command",), "Try.")], echo=lambda _: None)


@pytest.mark.parametrize(
    ("script", "alone"),
    [
        pytest.param("exec sleep {nap_s}", False, id="by Ctrl-C"),
        pytest.param("sleep {nap_s} & wait", True, id="with all it started"),
    ],
)
def test_an_interrupt_ends_the_command_and_goes_on_to_the_caller(script: str, alone: bool) -> None:
    nap_s = 60
    command = f"kill -INT {os.getpid()}; {script.format(nap_s=nap_s)}"
    before = set(psutil.Process().children())
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_steps([shell(command)], echo=lambda _: None, alone=alone)
    assert time.monotonic() - began < nap_s
    assert set(psutil.Process().children()) <= before


@pytest.mark.parametrize("is_sooner", [True, False])
def test_an_interrupt_while_the_command_is_being_started_ends_it_too(
    monkeypatch: pytest.MonkeyPatch, is_sooner: bool
) -> None:
    start = subprocess.Popen

    def start_and_interrupt(argv: tuple[str, ...], **options: object) -> object:
        if is_sooner:
            os.kill(os.getpid(), signal.SIGINT)
        process = start(argv, **options)  # type: ignore[call-overload]
        os.kill(os.getpid(), signal.SIGINT)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_interrupt)
    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        run_steps([shell("exec sleep 60")], echo=lambda _: None, alone=True)
    assert set(psutil.Process().children()) <= before
