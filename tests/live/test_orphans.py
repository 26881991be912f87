"""However the script that started a Pushpin ends, nothing outlives it.

The fixture `nothing_left_behind` is the assertion of most of these tests: it finds every process that has
inherited the test's marker, whoever is its parent by now, and every folder without a living owner.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from realtime_kit.pushpin import Pushpin, State
from realtime_kit.pushpin.run_folder import sweep_stale_folders

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

Eventually = Callable[[Callable[[], bool], str], None]

REPORT = """
import json, os, signal, sys, time
from realtime_kit.pushpin import Pushpin

def report(pushpin):
    pids = [process.pid for process in pushpin.processes()]
    supervisor = pushpin.processes()[0].ppid()
    print(json.dumps([supervisor, pids, str(pushpin.addresses.run_folder), str(pushpin.url)]), flush=True)
"""


@dataclass
class Script:
    """A script that has started a Pushpin."""

    process: subprocess.Popen[bytes]
    all_of_pushpin: list[psutil.Process]
    folder: Path
    url: str

    @property
    def supervisor(self) -> psutil.Process:
        return self.all_of_pushpin[0]

    @property
    def services(self) -> list[psutil.Process]:
        return self.all_of_pushpin[1:]


@contextlib.contextmanager
def script(body: str) -> Iterator[Script]:
    """Run a script that has `report(pushpin)` somewhere. (Python 3.12 warns of every fork beside a thread.)"""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", REPORT + textwrap.dedent(body)],
        stdin=-1,
        stdout=-1,
        stderr=-1,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (process.stderr and process.stderr.read()) or "the script said nothing"
        supervisor, services, folder, url = json.loads(line)
        found = []
        for pid in (supervisor, *services):
            with contextlib.suppress(psutil.NoSuchProcess):  # of a script that has ended meanwhile
                found.append(psutil.Process(pid))
        yield Script(process, found, Path(folder), url)
        process.kill()


WAITS = """
    with Pushpin(8000) as pushpin:
        report(pushpin)
        sys.stdin.read()
"""


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(running: Script) -> bool:
    return not any(alive(process) for process in running.all_of_pushpin) and not running.folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_script_that_is_ended_by_a_signal_takes_it_along(
    number: signal.Signals, eventually: Eventually
) -> None:
    with script(WAITS) as running:
        running.process.send_signal(number)
        eventually(lambda: gone(running), "outlives the script")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_runner_is_ended_its_services_go_too(number: signal.Signals, eventually: Eventually) -> None:
    with script(WAITS) as running:
        running.services[0].send_signal(number)
        eventually(lambda: gone(running), "outlives its runner")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_supervisor_is_ended_pushpin_goes_too(
    number: signal.Signals, eventually: Eventually
) -> None:
    with script(WAITS) as running:
        running.supervisor.send_signal(number)
        eventually(lambda: gone(running), "outlives its supervisor")


def test_when_script_and_supervisor_are_killed_at_once_the_next_start_sweeps_the_folder(
    origin: int, eventually: Eventually
) -> None:
    with script(WAITS) as running:
        running.process.kill()
        running.supervisor.kill()
        eventually(lambda: not any(map(alive, running.all_of_pushpin)), "outlives its supervisor")
        assert running.folder.exists()
        with Pushpin(origin):
            assert not running.folder.exists()


def test_services_that_outlive_all_who_should_have_stopped_them_are_killed_by_the_next_start(
    eventually: Eventually,
) -> None:
    with script(WAITS) as running:
        killed = [psutil.Process(running.process.pid), running.supervisor, running.services[0]]
        for process in killed:  # first stopped, so that none of them can act when another goes
            process.suspend()
        for process in killed:
            process.kill()
        eventually(lambda: not any(map(alive, killed)), "what was killed lives")
        assert any(map(alive, running.services))

        def swept() -> bool:  # the lock may be held until the last thread of the script has ended
            sweep_stale_folders()
            return gone(running)

        eventually(swept, "not swept")


def test_the_folder_of_a_living_one_is_not_swept(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        sweep_stale_folders()
        assert pushpin.addresses.run_folder.exists()
        assert pushpin.state is State.READY


@pytest.mark.parametrize(
    "end",
    [
        "",  # just runs out
        "sys.exit(3)",
        "1 / 0",
        "os._exit(4)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_a_script_that_ends_without_stopping_it_leaves_nothing(end: str, eventually: Eventually) -> None:
    with script(f"pushpin = Pushpin(8000).start()\nreport(pushpin)\n{end}") as running:
        running.process.wait()
        eventually(lambda: gone(running), "outlives the script")


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise KeyboardInterrupt"])
def test_leaving_the_block_by_the_end_of_the_script_stops_it_before_the_script_ends(end: str) -> None:
    with script(f"with Pushpin(8000) as pushpin:\n    report(pushpin)\n    {end}") as running:
        running.process.wait()
        assert gone(running)


def test_processes_that_are_stuck_are_killed_by_stop(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        processes = pushpin.processes()
        for stuck in processes[:2]:  # the runner and a service
            stuck.suspend()
        pushpin.stop()
        assert not any(map(alive, processes))
        assert not pushpin.addresses.run_folder.exists()


def test_a_supervisor_that_is_stuck_is_killed_by_stop(origin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime_kit.pushpin.supervised._STOP_TIMEOUT_S", 0.3)
    with Pushpin(origin) as pushpin:
        processes = pushpin.processes()
        processes[0].parent().suspend()  # type: ignore[union-attr]
        pushpin.stop()
        assert not any(map(alive, processes))
        assert not pushpin.addresses.run_folder.exists()


FORKS = """
    import multiprocessing, subprocess

    def sleep():
        time.sleep(3600)

    pushpin = Pushpin(8000).start()
    {start}
    report(pushpin)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.Popen(['sleep', '3600'], close_fds=False)",
        "os.fork() or sleep()",
        "multiprocessing.get_context('fork').Process(target=sleep).start()",
    ],
)
def test_a_child_of_the_script_that_outlives_it_does_not_keep_pushpin_alive(
    start: str, nothing_left_behind: str, eventually: Eventually
) -> None:
    with script(FORKS.format(start=start)) as running:
        children = [
            child for child in psutil.Process(running.process.pid).children() if child != running.supervisor
        ]
        assert len(children) == 1
        running.process.kill()
        try:
            eventually(lambda: gone(running), "outlives the script")
            assert alive(children[0])
        finally:
            children[0].kill()


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "pushpin.stop()"])
def test_a_fork_that_ends_or_stops_it_leaves_the_parents_pushpin_running(end: str) -> None:
    body = f"""
        with Pushpin(8000) as pushpin:
            if os.fork() == 0:
                pushpin.publish("news", "from the child")
                {end}
                sys.exit()
            os.wait()
            pushpin.publish("news", "from the parent")
            report(pushpin)
            pushpin.processes()[0].kill()  # and the parent still learns of its end
            while pushpin.state.value != "failed":
                time.sleep(0.01)
        sys.exit(5)
    """
    with script(body) as running:
        _, errors = running.process.communicate()
        assert errors == b""
        assert running.process.returncode == 5
        assert gone(running)


def test_a_fork_can_start_one_of_its_own() -> None:
    body = """
        with Pushpin(8000) as pushpin:
            if os.fork() == 0:
                with pushpin:
                    print(pushpin.url, file=sys.stderr, flush=True)
                os._exit(0)
            os.wait()
            report(pushpin)
    """
    with script(body) as running:
        _, errors = running.process.communicate()
        assert errors.startswith(b"http://")
        assert errors.decode().strip() != running.url
        assert gone(running)


def test_its_environment_is_not_shown_to_everybody(origin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "open sesame")
    with Pushpin(origin) as pushpin:
        for process in [*pushpin.processes(), psutil.Process(pushpin.processes()[0].ppid())]:
            assert "open sesame" not in " ".join(process.cmdline())
            assert process.environ()["A_SECRET"] == "open sesame"


def test_a_very_large_environment_does_no_harm(origin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        monkeypatch.setenv(f"LARGE_{number}", "x" * 100_000)
    with Pushpin(origin) as pushpin:
        assert pushpin.state is State.READY
    assert os.environ["LARGE_0"]
