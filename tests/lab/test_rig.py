"""The rig: all of it is up, or nothing of it."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from realtime_kit import RaceSettings
from realtime_kit.lab.rig import Rig
from realtime_kit.worker import Worker, WorkerError


class Unable(Worker):
    """A worker that cannot be started, while the others are being started."""

    def __init__(self) -> None:
        super().__init__("nowhere", name="the unable one")

    async def __aenter__(self) -> Worker:
        await asyncio.sleep(0)
        raise WorkerError("the unable one cannot be started")


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_worker_that_does_not_start_fails_the_rig_with_its_own_error_and_leaves_no_process(
    transport: str,
) -> None:
    async def main() -> None:
        rig = Rig(RaceSettings(clients=1))
        rig.loads[transport] = Unable()
        with pytest.raises(WorkerError, match="the unable one cannot be started"):
            await rig.__aenter__()
        # Now, not once the event loop that would close their pipes is gone.
        assert [
            process for process in psutil.Process().children() if "realtime_kit" in _command(process)
        ] == []

    asyncio.run(main())


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
