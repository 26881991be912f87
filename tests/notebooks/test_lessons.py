"""Every lesson as a learner meets it: executed from top to bottom, and nothing of it left afterwards."""

import contextlib
import json
import os
import re
import signal
import socket
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

import nbformat
import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))

LONGEST_LESSON_S = 60.0
GONE_WITHIN_S = 15.0
"""Above the supervisor's own grace of 5 s and the workers' of 3 s, on a machine that is busy."""

MARK = "REALTIME_KIT_TEST_KERNEL"
"""An environment variable: all that a kernel starts inherits it, so its processes can be told from others'."""

BEFORE = """
import sys
from realtime_kit.plots.widgets import live_picture
live_picture.LINGER_S = 0.1  # so long, not 30 s, a picture's thread waits for something more to draw
_folders = []
sys.addaudithook(lambda event, args: _folders.append(args[0]) if event == "tempfile.mkdtemp" else None)
"""

WHAT_IS_LEFT = f"""
import json, threading, psutil
_ours = [thread for thread in threading.enumerate() if thread.name.startswith("realtime_kit")]
for thread in _ours:
    thread.join({GONE_WITHIN_S})
print(json.dumps({{
    "folders": _folders,
    "processes": [process.name() for process in psutil.Process().children(recursive=True)],
    "threads": [thread.name for thread in _ours if thread.is_alive()],
}}))
"""

WHAT_IS_RUNNING = """
import json, psutil
print(json.dumps([process.name() for process in psutil.Process().children(recursive=True)]))
"""

A_SITE_THAT_IS_UP = """
import json
from aiohttp import web
from realtime_kit import grip, serving, sse_events
routes = web.RouteTableDef()
@routes.get("/news")
async def news(request):
    return grip.hold_stream("news", body="data: welcome\\n\\n")
site = serving(routes).start()
events = sse_events(site.url / "news")
assert next(events).data == "welcome"
ports = [site.url.port, site.origin_port]
print(json.dumps({"ports": ports, "folder": str(site.pushpin.addresses.run_folder)}))
"""


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark for a kernel's processes; those that a failing test leaves behind are ended."""
    value = uuid.uuid4().hex
    yield value
    for process in marked(value):
        with contextlib.suppress(psutil.Error):
            process.kill()


# What is in the files


def test_there_are_lessons() -> None:
    assert [path.stem for path in LESSONS][:1] == ["00-welcome"]


def test_the_file_is_a_valid_notebook_of_format_4_5_for_python3(lesson: NotebookNode) -> None:
    nbformat.validate(lesson)

    assert (lesson.nbformat, lesson.nbformat_minor) == (4, 5)
    assert lesson.metadata.kernelspec.name == "python3"


def test_every_cell_has_an_id_of_its_own(lesson: NotebookNode) -> None:
    ids = [cell.id for cell in lesson.cells]

    assert len(set(ids)) == len(ids)


def test_the_file_holds_no_outputs_and_no_execution_counts(lesson: NotebookNode) -> None:
    assert not [cell.id for cell in code(lesson) if cell.outputs or cell.execution_count is not None]
    assert "widgets" not in lesson.metadata


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_file_is_indented_by_one_so_that_changes_can_be_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


# How a lesson is written


def test_code_cells_are_short(lesson: NotebookNode) -> None:
    lengths = sorted(lines_of(cell) for cell in code(lesson))

    assert statistics.median(lengths) <= 4
    assert lengths[int(0.9 * len(lengths))] <= 8


def test_every_code_cell_follows_prose(lesson: NotebookNode) -> None:
    pairs = zip(lesson.cells, lesson.cells[1:], strict=False)

    assert lesson.cells[0].cell_type == "markdown"
    assert not [
        cell.id for before, cell in pairs if cell.cell_type == "code" and before.cell_type != "markdown"
    ]


def test_the_first_code_cell_imports_and_no_other_does(lesson: NotebookNode) -> None:
    first, *others = code(lesson)
    imports = re.compile(r"^\s*(import|from) ", re.MULTILINE)

    assert imports.search(first.source)
    assert not [cell.id for cell in others if imports.search(cell.source)]


def test_what_a_cell_starts_the_last_code_cell_stops(lesson: NotebookNode) -> None:
    *others, last = code(lesson)
    started = {
        name for cell in others for name in re.findall(r"^(\w+) = .*\.start\(\)", cell.source, re.MULTILINE)
    }

    assert not [name for name in started if f"{name}.stop()" not in last.source]


def test_the_headings_are_those_of_every_lesson(lesson: NotebookNode) -> None:
    found = [line for cell in prose(lesson) for line in cell.source.splitlines() if line.startswith("#")]
    begins = ["## What you'll do", "## What you'll learn", "## What you need"]
    ends = ["## On your own", "## Clean up", "## In practice", "## Further reading"]

    assert found[0].startswith("# ")
    assert found[1:4] == begins
    assert found[-4:] == ends


def test_solutions_are_folded_away_behind_that_one_word(lesson: NotebookNode) -> None:
    solutions = [cell for cell in code(lesson) if "solution" in cell.metadata.get("tags", [])]

    assert solutions
    assert all(cell.metadata.jupyter.source_hidden for cell in solutions)
    # JupyterLab shows the first line of a folded cell.
    assert {cell.source.partition("\n")[0] for cell in solutions} == {"# Solution"}


def test_links_to_other_files_lead_somewhere(lesson: NotebookNode) -> None:
    targets = [target for cell in prose(lesson) for target in re.findall(r"\]\(([^)\s]+)\)", cell.source)]
    local = [unquote(target.partition("#")[0]) for target in targets if "://" not in target]

    assert not [target for target in local if target and not (FOLDER / target).exists()]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_badge_opens_this_lesson(path: Path) -> None:
    assert f"urlpath=lab/tree/notebooks/{path.name})" in path.read_text(encoding="utf-8")


# What happens when it is executed


@pytest.mark.live
def test_it_runs_from_top_to_bottom_in_a_minute_and_leaves_nothing(lesson: NotebookNode, mark: str) -> None:
    client = NotebookClient(lesson, timeout=LONGEST_LESSON_S, kernel_name="python3")
    cells = list(lesson.cells)
    with client.setup_kernel(env={**os.environ, MARK: mark}, cwd=str(FOLDER)):
        run_cell(client, BEFORE)
        began = time.monotonic()
        for cell in cells:
            client.execute_cell(cell, lesson.cells.index(cell))
        took_s = time.monotonic() - began
        left = json.loads(run_cell(client, WHAT_IS_LEFT))

    folders = left.pop("folders")
    assert left == {"processes": [], "threads": []}, "the last cell has not closed everything"
    assert folders
    assert not [folder for folder in folders if Path(folder).exists()]
    assert not errors(cells)
    assert took_s < LONGEST_LESSON_S
    until(lambda: not marked(mark), lambda: f"still there: {marked(mark)}")


@pytest.mark.live
@pytest.mark.parametrize("path", [path for path in LESSONS if path.stem < "05"], ids=lambda path: path.stem)
def test_with_every_cell_run_twice_it_goes_on_and_leaves_nothing(path: Path, mark: str) -> None:
    """As learners do, in a front end that says which cell runs; nbclient does not."""
    lesson = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    with kernel(mark) as (_, client):
        execute(client, BEFORE)
        for cell in code(lesson):
            for _ in range(2):
                execute(client, cell.source, cell.id)
        left = json.loads(execute(client, WHAT_IS_LEFT))

    folders = left.pop("folders")
    assert left == {"processes": [], "threads": []}, "the last cell has not closed everything"
    assert folders
    assert not [folder for folder in folders if Path(folder).exists()]


@pytest.mark.live
def test_killed_in_the_middle_it_leaves_nothing(lesson: NotebookNode, mark: str) -> None:
    client = NotebookClient(lesson, timeout=LONGEST_LESSON_S, kernel_name="python3")
    killer = Killer(mark)

    with killer, pytest.raises(DeadKernelError):
        client.execute(env={**os.environ, MARK: mark}, cwd=str(FOLDER))

    assert killer.folders, "the kernel was never seen with a Pushpin"
    until(lambda: not marked(mark), lambda: f"still there: {marked(mark)}")
    until(lambda: not any(map(Path.exists, killer.folders)), lambda: f"still there: {killer.folders}")


@pytest.mark.live
@pytest.mark.parametrize("ending", ["shut down", "restarted", "killed"])
def test_a_forgotten_site_ends_when_its_kernel_is(ending: str, mark: str) -> None:
    with kernel(mark) as (manager, client):
        site = json.loads(execute(client, A_SITE_THAT_IS_UP))
        before = {process for process in marked(mark) if process.pid != manager.provisioner.pid}
        assert all(map(listens, site["ports"]))

        if ending == "shut down":
            manager.shutdown_kernel()
        elif ending == "restarted":
            manager.restart_kernel(now=True)
        else:
            os.kill(manager.provisioner.pid, signal.SIGKILL)

        until(
            lambda: not any(process.is_running() for process in before),
            lambda: f"still there: {marked(mark)}",
        )
        until(lambda: not any(map(listens, site["ports"])), lambda: f"still open: {site['ports']}")
        until(lambda: not Path(site["folder"]).exists(), lambda: f"still there: {site['folder']}")


@pytest.mark.live
def test_a_race_is_gone_soon_after_its_kernel_was_killed(mark: str, tmp_path: Path) -> None:
    with kernel(mark) as (manager, client):
        client.execute(a_race_that_tells_its_phase(tmp_path / "phase"))
        until_measuring(tmp_path / "phase")
        folders = run_folders(mark)
        assert folders

        os.kill(manager.provisioner.pid, signal.SIGKILL)

        until(lambda: not marked(mark), lambda: f"still there: {marked(mark)}")
        until(lambda: not any(map(Path.exists, folders)), lambda: f"still there: {folders}")


@pytest.mark.live
def test_an_interrupted_race_keeps_what_it_has_and_says_so(mark: str, tmp_path: Path) -> None:
    with kernel(mark) as (manager, client):
        request = client.execute(a_race_that_tells_its_phase(tmp_path / "phase"))
        until_measuring(tmp_path / "phase")

        manager.interrupt_kernel()

        reply = reply_to(client, request)
        assert reply["content"]["status"] == "ok", reply["content"]
        flags = execute(client, "print(*{flag.name for part in run.results for flag in part.verdict.flags})")
        assert "interrupted" in flags.split()
        assert json.loads(execute(client, WHAT_IS_RUNNING)) == []


class Killer:
    """Kills the kernel as soon as its Pushpin is up, from a thread of its own."""

    def __init__(self, mark: str) -> None:
        self.folders: set[Path] = set()
        self._mark = mark
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._given_up.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._given_up.wait(0.02):
            processes = marked(self._mark)
            if any(_name(process) == "pushpin-handler" for process in processes):
                self.folders = run_folders(self._mark)
                for process in processes:
                    if "ipykernel_launcher" in _command(process):
                        process.send_signal(signal.SIGKILL)
                return


# Tools


def a_race_that_tells_its_phase(file: Path) -> str:
    return f"""
from pathlib import Path
from realtime_kit import lab
file = Path({str(file)!r})
tell = lambda progress: file.write_text(f"{{progress.phase}} {{progress.share:.2f}}")
run = lab.race(seconds=30, clients=5, rate=10, interval_s=0.5, on_progress=tell)
"""


def until_measuring(file: Path) -> None:
    """Wait until a race is well under way: a tenth of it is three seconds."""
    share = re.compile(r".* 0\.[1-9]\d")
    until(lambda: bool(file.exists() and share.match(file.read_text())), lambda: "the race has not begun")


def code(lesson: NotebookNode) -> list[Any]:
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


def prose(lesson: NotebookNode) -> list[Any]:
    return [cell for cell in lesson.cells if cell.cell_type == "markdown"]


def lines_of(cell: Any) -> int:
    return len([line for line in cell.source.splitlines() if line.strip()])


def errors(cells: list[Any]) -> list[Any]:
    return [output for cell in cells for output in cell.get("outputs", []) if output.output_type == "error"]


def run_cell(client: NotebookClient, source: str) -> str:
    """Execute a cell that is none of the lesson's, and return what it printed."""
    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells.append(cell)
    client.execute_cell(cell, len(client.nb.cells) - 1)
    client.nb.cells.remove(cell)
    return "".join(output.text for output in cell.outputs)


@contextlib.contextmanager
def kernel(mark: str) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager, client = start_new_kernel(kernel_name="python3", env={**os.environ, MARK: mark}, cwd=str(FOLDER))
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def reply_to(client: BlockingKernelClient, request: str) -> dict[str, Any]:
    """The kernel's reply to one request; of one that was slow to start there are others, to "are you there?"."""
    while True:
        reply: dict[str, Any] = client.get_shell_msg(timeout=30)
        if reply["parent_header"]["msg_id"] == request:
            return reply


def execute(client: BlockingKernelClient, source: str, cell: str = "") -> str:
    """Have the kernel run this, perhaps as a cell of that name, and return what it printed."""
    printed: list[str] = []
    with mock.patch.object(client.session, "msg", partial(_message, client.session.msg, cell)):
        reply = client.execute_interactive(
            source,
            timeout=LONGEST_LESSON_S,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    assert reply["content"]["status"] == "ok", (source, reply["content"])
    return "".join(printed)


def _message(
    make: Callable[..., dict[str, Any]], cell: str, kind: str, *args: Any, **kwargs: Any
) -> dict[str, Any]:
    message = make(kind, *args, **kwargs)
    if cell and kind == "execute_request":
        message["metadata"]["cellId"] = cell
    return message


def marked(mark: str) -> list[psutil.Process]:
    """Every process that inherited the mark, however far down and whoever has adopted it."""
    return [process for process in psutil.process_iter() if _environment(process).get(MARK) == mark]


def run_folders(mark: str) -> set[Path]:
    """The temporary folders in which Pushpins work."""
    return {folder for process in marked(mark) if (folder := _folder(process)).name.startswith("rk-")}


def _folder(process: psutil.Process) -> Path:
    with contextlib.suppress(psutil.Error):
        return Path(process.cwd())
    return Path()


def _environment(process: psutil.Process) -> dict[str, str]:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ()
    return {}


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def until(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait until something is so; there is nobody who could tell when."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)
