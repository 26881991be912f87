"""The kit's own thread: waited for from threads and loops, interrupted, and gone when nobody holds it."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from realtime_kit import background


def kit_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "realtime_kit"]


@pytest.fixture(autouse=True)
def thread_ends() -> Iterator[None]:
    yield
    assert kit_threads() == []


@pytest.fixture
def lease() -> Iterator[background.Lease]:
    lease = background.Lease(lambda: None)
    yield lease
    lease.end()


async def thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def fail() -> None:
    message = "on purpose"
    raise LookupError(message)


def interrupt_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_an_interrupt_that_another_thread_takes_is_noticed():
    stop = asyncio.Event()

    async def run() -> str:
        await asyncio.sleep(0.3)  # by now the main thread waits, and nothing wakes it
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        async with asyncio.timeout(10):
            await stop.wait()
        return "ended early"

    assert background.run(run(), on_interrupt=stop.set) == "ended early"


class Stubborn:
    """Waits until it is cancelled, then tidies up for a moment."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.tidied_up = False

    async def run(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            self.tidied_up = True


@pytest.mark.parametrize(("look_s", "looks"), [(None, 1), (0.01, 3)])
def test_whoever_cannot_be_interrupted_does_not_look_for_it(look_s: float | None, looks: int) -> None:
    waits: list[float | None] = []

    class Late(concurrent.futures.Future[int]):
        def result(self, timeout: float | None = None) -> int:
            waits.append(timeout)
            if len(waits) == looks:
                self.set_result(7)
            return super().result(timeout)

    assert background.outcome(Late(), look_s) == 7
    assert waits == [look_s] * looks


def test_run_hands_on_how_often_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, looks = background.outcome, []

    def noted(finished: concurrent.futures.Future[str], look_s: float | None) -> str:
        looks.append(look_s)
        return outcome(finished, look_s)

    monkeypatch.setattr(background, "outcome", noted)
    assert background.run(thread_name(), look_s=None) == "realtime_kit"
    assert looks == [None]


def test_run_returns_what_the_coroutine_returns() -> None:
    assert background.run(thread_name()) == "realtime_kit"


def test_run_raises_what_the_coroutine_raises() -> None:
    with pytest.raises(LookupError, match="on purpose"):
        background.run(fail())


def test_arun_works_from_another_loop() -> None:
    assert asyncio.run(background.arun(thread_name())) == "realtime_kit"


def test_arun_raises_what_the_coroutine_raises() -> None:
    with pytest.raises(LookupError, match="on purpose"):
        asyncio.run(background.arun(fail()))


def test_arun_on_the_kits_own_thread_just_awaits() -> None:
    async def nested() -> str:
        return await background.arun(thread_name())

    assert background.run(nested()) == "realtime_kit"


def test_run_on_the_kits_own_thread_raises_instead_of_waiting_for_itself() -> None:
    async def nested() -> None:
        background.run(thread_name())

    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        background.run(nested())


def test_two_loops_and_two_threads_share_the_one_thread(lease: background.Lease) -> None:
    del lease
    names: list[str] = []
    both_are_in = threading.Barrier(4)

    async def meet() -> str:
        await asyncio.to_thread(both_are_in.wait)
        return await thread_name()

    callers = [
        threading.Thread(target=lambda: names.append(asyncio.run(background.arun(meet())))) for _ in range(2)
    ] + [threading.Thread(target=lambda: names.append(background.run(meet()))) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert names == ["realtime_kit"] * 4
    assert len(kit_threads()) == 1


def test_the_thread_lives_as_long_as_a_lease() -> None:
    first, second = background.Lease(lambda: None), background.Lease(lambda: None)
    first.end()
    assert len(kit_threads()) == 1
    second.end()
    assert kit_threads() == []
    second.end()  # does nothing


def test_a_lease_can_be_taken_again_after_the_thread_has_ended(lease: background.Lease) -> None:
    lease.end()
    again = background.Lease(lambda: None)
    assert background.run(thread_name()) == "realtime_kit"
    again.end()


def test_tasks_that_are_pending_at_the_end_are_cancelled_and_may_tidy_up() -> None:
    stubborn = Stubborn()
    tasks: list[asyncio.Task[None]] = []

    async def leave_a_task() -> None:
        tasks.append(asyncio.create_task(stubborn.run()))
        await asyncio.sleep(0)

    background.run(leave_a_task())
    assert stubborn.tidied_up
    assert tasks[0].cancelled()


def test_an_interrupt_cancels_the_coroutine_and_waits_until_it_has_tidied_up(lease: background.Lease) -> None:
    del lease
    stubborn = Stubborn()

    def interrupt_when_it_runs() -> None:
        stubborn.started.wait()
        interrupt_main_thread()

    interrupter = threading.Thread(target=interrupt_when_it_runs)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        background.run(stubborn.run())
    interrupter.join()
    assert stubborn.tidied_up


def test_with_on_interrupt_the_coroutine_may_finish_early_and_return_what_it_has() -> None:
    enough = asyncio.Event()

    async def measure() -> str:
        asyncio.get_running_loop().call_soon(interrupt_main_thread)
        await enough.wait()
        return "half the result"

    assert background.run(measure(), on_interrupt=lambda: enough.set()) == "half the result"


def test_a_second_interrupt_cancels_what_does_not_finish_early() -> None:
    stubborn = Stubborn()

    async def run() -> None:
        asyncio.get_running_loop().call_soon(interrupt_main_thread)
        await stubborn.run()

    with pytest.raises(KeyboardInterrupt):
        background.run(run(), on_interrupt=interrupt_main_thread)
    assert stubborn.tidied_up


def test_cancelling_the_caller_cancels_the_coroutine_and_waits_until_it_has_tidied_up() -> None:
    stubborn = Stubborn()

    async def cancel_it() -> None:
        caller = asyncio.create_task(background.arun(stubborn.run()))
        await asyncio.to_thread(stubborn.started.wait)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert stubborn.tidied_up

    asyncio.run(cancel_it())


def test_what_fails_while_it_is_cancelled_is_not_logged_as_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    started = threading.Event()

    async def fail_when_cancelled() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await fail()

    async def cancel_it() -> None:
        caller = asyncio.create_task(background.arun(fail_when_cancelled()))
        await asyncio.to_thread(started.wait)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

    asyncio.run(cancel_it())
    assert caplog.records == []


def test_turns_let_coroutines_go_one_after_the_other_on_any_loop() -> None:
    turns = background.Turns()
    inside: list[int] = []

    async def one() -> None:
        async with turns.take():
            inside.append(1)
            assert len(inside) == 1
            await asyncio.sleep(0)
            inside.pop()

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(5)))

    for _ in range(2):  # a new loop each time
        background.run(many())


def test_what_still_holds_a_lease_is_stopped_when_the_interpreter_exits() -> None:
    script = (
        "from realtime_kit.background import Lease; lease = Lease(lambda: (print('stopped'), lease.end()))"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"stopped\n"
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a Unix")
def test_a_fork_has_a_thread_of_its_own_and_does_not_stop_what_the_parent_holds() -> None:
    script = """
import asyncio, os, sys
from realtime_kit import background

async def answer():
    return "answer"

lease = background.Lease(lambda: (print("stopped", flush=True), lease.end()))
if os.fork() == 0:
    print("child", background.run(answer()), lease.inherited, flush=True)
    sys.exit()  # runs what is registered for the exit
os.wait()
print("parent", background.run(answer()), lease.inherited, flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["child answer True", "parent answer False", "stopped"]
    assert done.stderr == ""


AT_EXIT = """
import asyncio
from realtime_kit import background

async def stop():
    print(await asyncio.to_thread(lambda: "stopped"))

def end():
    background.run(stop())
    lease.end()

lease = background.Lease(end)
background.run(asyncio.to_thread(print, "started"))
"""


def test_what_is_stopped_at_the_interpreters_exit_may_block_although_no_thread_can_start_any_more() -> None:
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, check=True)
    assert (done.stdout.splitlines(), done.stderr) == (["started", "stopped"], "")


def test_blocking_work_that_raises_at_the_interpreters_exit_raises_where_it_is_awaited() -> None:
    script = AT_EXIT.replace('"stopped"', "1 / 0")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@contextlib.contextmanager
def no_thread_starting() -> Iterator[list[threading.Thread]]:
    """What Python 3.12 and later do at their exit; gives the threads that were refused."""
    refused: list[threading.Thread] = []

    def refuse(thread: threading.Thread) -> None:
        refused.append(thread)
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield refused


def test_the_thread_ends_without_starting_another(lease: background.Lease) -> None:
    background.run(asyncio.to_thread(int))
    with no_thread_starting() as refused:
        lease.end()
    assert refused == kit_threads() == []


def test_where_no_thread_can_start_coroutines_run_in_the_callers_own() -> None:
    with no_thread_starting():
        assert background.run(thread_name()) == "MainThread"
        assert asyncio.run(background.arun(thread_name())) == "MainThread"


def test_where_no_thread_can_start_nothing_can_be_held_and_nothing_is_left_of_the_try() -> None:
    with no_thread_starting(), pytest.raises(RuntimeError, match="can't create new thread"):
        background.Lease(lambda: None)
    assert background.run(thread_name()) == "realtime_kit"


def test_errors_are_written_outside_the_context_of_the_task_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = contextvars.ContextVar("cell", default="the latest")

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            return super().write(f"{text} below {cell.get()}")

    monkeypatch.setattr(sys, "stderr", stream := Stream())
    cell.set("the one that has begun it")
    background.write_error("oh")
    assert stream.getvalue() == "oh below the latest"
