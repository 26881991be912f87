"""A wall clock of their own for some processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from realtime_kit.errors import MissingDependency, RealtimeKitError
from realtime_kit.taps.wall_clock import WallClock, _made, library

STEP_S = -7200
CHILD = """
import ctypes, sys, time

libc = ctypes.CDLL(None)
pair = (ctypes.c_long * 2)()
for line in sys.stdin:
    libc.gettimeofday(pair, None)
    walls = [time.time(), time.clock_gettime(time.CLOCK_REALTIME), pair[0] + pair[1] / 1e6]
    print(*walls, libc.time(None), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), flush=True)
"""
COARSE_S = 1.0
"""`time` tells whole seconds, of a clock that ticks every few milliseconds."""


@pytest.fixture
def clock():
    with WallClock() as made:
        yield made


@pytest.fixture
def child(clock):
    environ = {**os.environ, **clock.environment}
    argv = [sys.executable, "-c", CHILD]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True
    ) as process:
        yield process
        process.stdin.close()


def ask(child):
    child.stdin.write("\n")
    child.stdin.flush()
    return [float(word) for word in child.stdout.readline().split()]


@pytest.mark.wall_clock
def test_a_process_that_runs_sees_a_step_at_once_and_its_other_clocks_go_on(clock, child):
    for offset_s in (0, STEP_S, 0, -STEP_S):
        clock.step(offset_s - clock.offset_s)
        assert clock.offset_s == offset_s
        before = time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        *exact, whole, monotonic, boot = ask(child)
        after = time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        for wall in exact:
            assert before[0] + offset_s - 1e-3 <= wall <= after[0] + offset_s + 1e-3
        assert before[0] + offset_s - 2 * COARSE_S <= whole <= after[0] + offset_s
        assert before[1] <= monotonic <= after[1]
        assert before[2] <= boot <= after[2]


@pytest.mark.wall_clock
def test_who_goes_by_it_is_known(clock, child):
    ask(child)
    clock.check([child.pid])
    with pytest.raises(RealtimeKitError, match="does not go by a wall clock of its own"):
        clock.check([child.pid, os.getpid()])


@pytest.mark.wall_clock
def test_what_was_loaded_before_is_loaded_still(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/lib/other.so")
    with WallClock() as clock:
        assert clock.environment["LD_PRELOAD"].endswith("wall_clock.so:/lib/other.so")


@pytest.mark.wall_clock
def test_nothing_of_it_is_left():
    with WallClock() as clock:
        program = Path(clock.environment["LD_PRELOAD"])
        assert program.exists()
    assert not program.parent.exists()


@pytest.fixture
def anew():
    _made.cache_clear()
    yield
    _made.cache_clear()


@pytest.mark.usefixtures("anew")
def test_without_a_compiler_it_says_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match=r"no cc, gcc or clang\. Type: apt install gcc"), WallClock():
        pass


@pytest.mark.usefixtures("anew")
def test_a_compiler_that_fails_is_quoted(monkeypatch, tmp_path):
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'time.h: No such file' >&2\nexit 1\n")
    compiler.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match=r"cc said: time\.h: No such file\. Type: apt install gcc"):
        library()


@pytest.mark.usefixtures("anew")
def test_elsewhere_than_on_linux_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MissingDependency, match="takes Linux, and this is darwin"):
        library()
