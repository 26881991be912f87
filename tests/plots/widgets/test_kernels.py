"""Boards in real kernels, of the ipykernels that differ in who calls a widget back; the test is the browser.

6.31 calls back on the main thread between cells, 7.0 to 7.3 on a thread of their own even while a cell runs, 7.4 on
the main thread while a cell awaits.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

DEADLINE_S = 60.0
PICTURES = Path(__file__).with_name("pictures.py")

MAKE = f"""
import asyncio, importlib.util, threading
from ipywidgets.widgets.widget import _instances
from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.widgets import PollingExplorer, PollingSettings

spec = importlib.util.spec_from_file_location("pictures", {str(PICTURES)!r})
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)
threads = threading.active_count()

async def measure(settings, report, stop):
    course = pictures.Course(("polling",), 20, 2.0, 2.0, 20.0)
    for progress in pictures.reports(course):
        report(progress)
        await asyncio.sleep(0.01)
        if stop.is_set():
            break
    return pictures.finished_run("polling")
"""


class Browser:
    """What a front end does: keeps the widgets' state as the kernel sends it, and sends what a user does."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.widgets: dict[str, dict[str, Any]] = {}
        self.updates: list[str] = []
        self.troubles: list[str] = []
        self.idle: set[str] = set()
        self.asked: set[str] = set()
        self.subshell = self._subshell()

    def _subshell(self) -> str | None:
        """JupyterLab sends what happens to widgets to a subshell, if the kernel has them."""
        info = self.client.kernel_info(reply=True, timeout=DEADLINE_S)["content"]
        if "kernel subshells" not in info.get("supported_features", []):
            return None
        self.client.control_channel.send(self.client.session.msg("create_subshell_request"))
        return self.client.control_channel.get_msg(timeout=DEADLINE_S)["content"]["subshell_id"]

    def take(self) -> None:
        """One message of the kernel's."""
        message = self.client.get_iopub_msg(timeout=DEADLINE_S)
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.widgets[content["comm_id"]] = content["data"].get("state", {})
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.widgets[content["comm_id"]] |= content["data"]["state"]
            self.updates.append(content["comm_id"])
        elif kind == "comm_close":
            del self.widgets[content["comm_id"]]
        elif kind == "status" and content["execution_state"] == "idle":
            self.idle.add(message["parent_header"].get("msg_id"))
        elif kind == "error" or (kind == "stream" and content["name"] == "stderr"):
            self.troubles.append(content.get("text") or "\n".join(content["traceback"]))

    def hear_replies(self) -> None:
        """Wait for the replies to all requests that are over.

        Before 7.4 what arrives while the kernel sends a reply may lie unread (ipykernel issue 1554). A person is
        slower than that.
        """
        while self.asked & self.idle:
            reply = self.client.get_shell_msg(timeout=DEADLINE_S)
            self.asked.discard(reply["parent_header"].get("msg_id"))

    def until(self, condition) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline
            self.take()

    def begin(self, code: str, *, cell: str | None = None) -> str:
        metadata = {"cellId": cell} if cell else {}
        content = {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
        }
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.hear_replies()
        self.asked.add(message["header"]["msg_id"])
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def run(self, code: str, *, cell: str | None = None) -> None:
        """Run a cell to its end."""
        begun = self.begin(code, cell=cell)
        self.until(lambda: begun in self.idle)

    def send(self, comm_id: str, data: dict[str, Any]) -> None:
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if self.subshell:
            message["header"]["subshell_id"] = self.subshell
        self.hear_replies()
        self.client.shell_channel.send(message)

    def find(self, name: str) -> str:
        """The widget with this description."""
        return next(key for key, state in self.widgets.items() if state.get("description") == name)

    def click(self, words: str) -> None:
        self.send(self.find(words), {"method": "custom", "content": {"event": "click"}})

    def shows(self, text: str) -> bool:
        return any(text in str(state.get("value")) for state in self.widgets.values())

    def pictures_sent(self) -> int:
        images = {key for key, state in self.widgets.items() if state.get("_model_name") == "ImageModel"}
        return sum(key in images for key in self.updates)


def overlay(version: str, folder: Path) -> Path:
    """Another ipykernel in a folder of its own; everything it needs is installed already."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--target", folder, f"ipykernel=={version}"], capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(f"ipykernel {version} cannot be had: {done.stderr.strip()[-200:]}", pytrace=False)
    return folder


@pytest.fixture(scope="module", params=["installed", "6.31.*", "7.3.*"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    environment = dict(os.environ)
    if request.param != "installed":
        environment["PYTHONPATH"] = str(overlay(request.param, tmp_path_factory.mktemp("ipykernel")))
    manager, client = start_new_kernel(kernel_name="python3", env=environment)
    with contextlib.ExitStack() as stack:
        stack.callback(manager.shutdown_kernel, now=True)
        stack.callback(client.stop_channels)
        browser = Browser(manager, client)
        browser.run("import ipykernel; version = ipykernel.__version__")
        if request.param != "installed":
            browser.run(f"assert version.startswith({request.param.rstrip('*')!r}), version")
        assert not browser.troubles
        browser.run(MAKE)
        yield browser


@pytest.fixture
def board(browser: Browser) -> Iterator[Browser]:
    """A browser with a board in it; nothing may go wrong, and nothing may be left."""
    browser.troubles.clear()
    browser.run("board = PollingExplorer(measure); board")
    yield browser
    browser.run("board.close(); assert not _instances, _instances")
    browser.run("assert threading.active_count() == threads, threading.enumerate()")
    assert not browser.widgets
    assert not browser.troubles


def test_the_start_button_measures_and_pictures_and_texts_arrive(board: Browser) -> None:
    before = board.pictures_sent()
    board.click("Measure")
    board.until(lambda: board.shows("Measuring …"))
    board.until(lambda: board.shows("Done."))

    assert board.pictures_sent() > before


def test_pictures_arrive_while_a_cell_waits(board: Browser) -> None:
    board.until(lambda: board.pictures_sent() > 0)
    waiting = board.begin("board.start().wait()")
    board.until(lambda: board.shows("Measuring …"))
    while_waiting = waiting not in board.idle
    board.until(lambda: waiting in board.idle and board.shows("Done."))

    assert while_waiting


def test_a_cell_may_await_the_board(board: Browser) -> None:
    board.run("run = await board.start()\nassert run is board.run")


def test_a_slider_moves_theory(board: Browser) -> None:
    slider = board.find("Polling interval")
    board.send(slider, {"method": "update", "state": {"index": 5}, "buffer_paths": []})
    board.until(lambda: board.shows("2.5 s"))  # half of the 5 s at the sixth place


def test_the_close_button_removes_everything(board: Browser) -> None:
    board.click("Close")
    board.until(lambda: not board.widgets)


def test_a_widget_can_be_updated_from_any_thread(board: Browser) -> None:
    board.run("thread = threading.Thread(target=board.choose, kwargs={'clients': 50})")
    board.run("thread.start(); thread.join()")
    board.until(lambda: board.shows("<td>25</td>"))  # requests a second: 50 clients, every 2 s


def test_a_cell_that_is_run_again_replaces_its_board(board: Browser) -> None:
    before = set(board.widgets)
    board.run("first = PollingExplorer(measure)", cell="one")
    made = set(board.widgets) - before
    board.run("other = PollingExplorer(measure)", cell="two")
    kept = set(board.widgets) - before - made
    board.run("second = PollingExplorer(measure)", cell="one")
    left = set(board.widgets)
    board.run("other.close(); second.close()")

    assert made
    assert not made & left
    assert kept <= left


def test_an_interrupt_ends_the_measurement_of_a_cell_that_waits_and_keeps_the_run(board: Browser) -> None:
    waiting = board.begin("run = board.start().wait()")
    board.until(lambda: board.shows("Measuring …"))
    board.manager.interrupt_kernel()
    board.until(lambda: waiting in board.idle)
    board.run("assert run is board.run")
