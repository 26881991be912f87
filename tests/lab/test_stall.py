"""Who is to be stopped for a moment, and is not if something fails before."""

import asyncio
import subprocess
import sys
import time

import psutil
import pytest

from realtime_kit.lab.stall import _stalling

STALL_S = 0.1


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_stall_takes_as_long_as_it_says(process):
    async def main():
        async with _stalling(process.pid, time.monotonic_ns(), STALL_S) as stalling:
            begun_ns, ended_ns = await stalling
        return ended_ns - begun_ns

    assert asyncio.run(main()) >= STALL_S * 1e9
    assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED


@pytest.mark.parametrize("due_s", [0.0, 0.1], ids=["during", "before"])
def test_whoever_fails_beside_a_stall_leaves_nobody_who_stops_processes(process, due_s):
    async def fail():
        async with _stalling(process.pid, time.monotonic_ns() + int(due_s * 1e9), 60.0):
            if not due_s:
                while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            raise OSError("gone")

    async def main():
        with pytest.raises(OSError, match="gone"):
            await fail()
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
