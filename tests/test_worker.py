"""Workers: they answer, fail with a traceback, and never outlive their parent."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from realtime_kit.worker import Worker, WorkerError

MODULE = """
import asyncio, os, sys, time
from realtime_kit.errors import UsageError
from realtime_kit.worker import serve

gate = asyncio.Event()

async def double(*, number):
    return 2 * number

async def wait():
    await gate.wait()
    return "let through"

async def open_gate():
    gate.set()

async def divide(*, by):
    return 1 / by

async def refuse():
    raise UsageError("the number has to be positive")

async def answer_with_a_set():
    return {1, 2}

async def cancel_oneself():
    raise asyncio.CancelledError

async def chatter():
    print("this is no answer")
    return "an answer"

async def die():
    sys.stderr.write("my last words\\n")
    sys.stderr.flush()
    os._exit(3)

async def hang():
    sys.stderr.write("hanging\\n")
    sys.stderr.flush()
    while True:
        time.sleep(1)

async def hang_after_this():
    asyncio.get_running_loop().call_soon(time.sleep, 3600)

async def ignore_cancellation():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

def main():
    serve({name: value for name, value in globals().items() if asyncio.iscoroutinefunction(value)})

if __name__ == "__main__":
    main()
"""

MakeWorker = Callable[[], Worker]


@pytest.fixture
def make_worker(tmp_path: Path) -> MakeWorker:
    (tmp_path / "worker_of_the_test.py").write_text(MODULE)
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    return lambda: Worker("worker_of_the_test", name="the worker", environ={"PYTHONPATH": path})


def wait_until_gone(process: psutil.Process) -> None:
    """Wait until a process that is not our child has ended; whether init has noticed is not its concern."""
    deadline = time.monotonic() + 20
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_it_answers(make_worker: MakeWorker) -> None:
    async def ask() -> None:
        async with make_worker() as worker:
            assert await worker.ask("double", number=21) == 42

    asyncio.run(ask())


def test_requests_run_side_by_side(make_worker: MakeWorker) -> None:
    async def ask() -> None:
        async with make_worker() as worker:
            waiting = asyncio.create_task(worker.ask("wait"))
            await worker.ask("open_gate")
            assert await waiting == "let through"

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("divide", "ZeroDivisionError: division by zero"),
        ("answer_with_a_set", "TypeError: Object of type set is not JSON serializable"),
        ("cancel_oneself", "CancelledError"),
        ("no such thing", "KeyError: 'no such thing'"),
    ],
)
def test_what_it_raises_arrives_with_its_traceback(make_worker: MakeWorker, do: str, words: str) -> None:
    async def ask() -> None:
        async with make_worker() as worker:
            with pytest.raises(WorkerError, match="the worker: Traceback") as raised:
                await worker.ask(do, **({"by": 0} if do == "divide" else {}))
            assert words in str(raised.value)
            assert raised.value.sentence == ""
            assert await worker.ask("double", number=1) == 2  # and it carries on

    asyncio.run(ask())


def test_an_error_of_the_kit_arrives_as_its_sentence(make_worker: MakeWorker) -> None:
    async def ask() -> None:
        async with make_worker() as worker:
            with pytest.raises(WorkerError) as raised:
                await worker.ask("refuse")
            assert str(raised.value) == "the worker: the number has to be positive"
            assert raised.value.sentence == "the number has to be positive"

    asyncio.run(ask())


def test_a_print_does_not_end_up_among_the_answers(make_worker: MakeWorker) -> None:
    async def ask() -> None:
        async with make_worker() as worker:
            assert await worker.ask("chatter") == "an answer"

    asyncio.run(ask())


def test_a_worker_that_dies_is_an_error_with_its_last_words(make_worker: MakeWorker) -> None:
    async def ask() -> None:
        async with make_worker() as worker:
            waiting = asyncio.create_task(worker.ask("wait"))
            with pytest.raises(WorkerError, match="the worker has ended by itself: my last words"):
                await worker.ask("die")
            with pytest.raises(WorkerError, match="my last words"):
                await waiting
            with pytest.raises(WorkerError, match="my last words"):
                await worker.ask("double", number=1)

    asyncio.run(ask())


def test_a_worker_that_was_not_started_says_so(make_worker: MakeWorker) -> None:
    worker = make_worker()
    with pytest.raises(WorkerError, match="has not been started"):
        _ = worker.pid
    with pytest.raises(WorkerError, match="has not been started"):
        asyncio.run(worker.ask("double", number=1))


def test_it_is_gone_at_the_end_of_the_block(make_worker: MakeWorker) -> None:
    async def ask() -> int:
        async with make_worker() as worker:
            return worker.pid

    assert not psutil.pid_exists(asyncio.run(ask()))


@pytest.mark.parametrize("do", ["hang", "ignore_cancellation"])
def test_a_worker_that_is_stuck_ends_within_its_grace(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    monkeypatch.setattr("realtime_kit.worker._STOP_GRACE_S", 0.2)

    async def ask() -> int:
        async with make_worker() as worker:
            asking = asyncio.create_task(worker.ask(do))
            await asyncio.sleep(0)
        with pytest.raises(WorkerError, match="ended by itself"):
            await asking
        return worker.pid

    assert not psutil.pid_exists(asyncio.run(ask()))


def test_leaving_the_block_by_cancellation_ends_it_too(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime_kit.worker._STOP_GRACE_S", 0.2)

    worker = make_worker()

    async def ask() -> None:
        async with worker, asyncio.timeout(0.01):
            await worker.ask("hang")

    with pytest.raises(TimeoutError):
        asyncio.run(ask())
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.parametrize(
    ("do", "is_stopped"),
    [
        ("double", False),
        ("hang_after_this", False),
        pytest.param(
            "double",
            True,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stopped process sleeps on"),
        ),
    ],
)
def test_a_parent_that_is_killed_takes_it_along(
    make_worker: MakeWorker, tmp_path: Path, do: str, is_stopped: bool
) -> None:
    make_worker()
    script = f"""
        import asyncio
        from realtime_kit.worker import Worker

        async def main():
            async with Worker("worker_of_the_test", name="it") as worker:
                await worker.ask("{do}", **{{"number": 1}} if "{do}" == "double" else {{}})
                print(worker.pid, flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, env=environ
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        if is_stopped:
            worker.suspend()
        parent.send_signal(signal.SIGKILL)
    try:
        wait_until_gone(worker)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a Unix")
@pytest.mark.parametrize("do", ["double", "hang_after_this"])
def test_a_fork_of_a_parent_that_is_killed_does_not_keep_it_alive(
    make_worker: MakeWorker, tmp_path: Path, do: str
) -> None:
    make_worker()
    script = f"""
        import asyncio, os, time
        from realtime_kit.worker import Worker

        async def main():
            async with Worker("worker_of_the_test", name="it") as worker:
                await worker.ask("{do}", **{{"number": 1}} if "{do}" == "double" else {{}})
                fork = os.fork() or time.sleep(3600)  # with all that is open
                print(worker.pid, fork, flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as parent:
        assert parent.stdout is not None
        worker, fork = (psutil.Process(int(pid)) for pid in parent.stdout.readline().split())
        parent.send_signal(signal.SIGKILL)
        try:
            wait_until_gone(worker)
            assert fork.is_running()
        finally:
            fork.kill()
