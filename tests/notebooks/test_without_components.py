"""Lessons 10 to 14 where what they need besides Pushpin is not there: the cure first, and then all that can be run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

pytestmark = pytest.mark.live

FOLDER = Path(__file__).parents[2] / "notebooks"
GONE_WITHIN_S = 15.0

HIDE = """
import importlib.metadata, shutil
def _hide(find, hidden, missing):
    return lambda name, *more, **options: missing(name) if name in hidden else find(name, *more, **options)
def _no_package(name):
    raise importlib.metadata.PackageNotFoundError(name)
shutil.which = _hide(shutil.which, {programs!r}, lambda name: None)
importlib.metadata.version = _hide(importlib.metadata.version, {packages!r}, _no_package)
"""

OLD = """
import importlib.metadata
def _version(name, find=importlib.metadata.version):
    return "1.0" if name == "awslambdaric" else find(name)
importlib.metadata.version = _version
"""

NO_PACKAGES = """
import pathlib
_read = pathlib.Path.read_text
def _read_text(path, *more, **options):
    if "node_modules" in path.parts:
        raise FileNotFoundError(path)
    return _read(path, *more, **options)
pathlib.Path.read_text = _read_text
"""


def run(lesson: str, hide: str, replace: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """Each code cell's id, and what it showed; the kernel is gone afterwards, and all that it had started.

    Args:
        lesson: Its number.
        hide: What is executed before it.
        replace: Words to replace in its code.
    """
    (path,) = FOLDER.glob(f"{lesson}-*.ipynb")
    notebook: NotebookNode = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    for cell in notebook.cells:
        for old, new in (replace or {}).items():
            cell.source = cell.source.replace(old, new)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(hide))
    client = NotebookClient(notebook, timeout=60, kernel_name="python3")
    client.execute(env=dict(os.environ), cwd=str(FOLDER))  # an error in any cell is raised here
    for cell in notebook.cells[1:]:
        if cell.cell_type == "code":
            yield cell.id, "".join(map(shown, cell.outputs))
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := psutil.Process().children(recursive=True):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def shown(output: NotebookNode) -> str:
    return str(output.text if output.output_type == "stream" else output.data.get("text/plain", "") + "\n")


def hide(*names: str) -> str:
    packages = {"functions-framework", "awslambdaric", "django"} & set(names)
    return HIDE.format(programs=set(names) - packages, packages=packages)


def test_lesson_10_runs_on_sqlite_without_postgresql() -> None:
    said = dict(run("10", hide("postgres")))

    assert "PostgreSQL is not installed. Type: realtime-kit install-deps --for 10" in said["imports"]
    assert "0 lost, 20 recovered" in said["with"]
    assert "20 lost" in said["without-outage"]
    assert (said["postgresql"], said["down"]) == ("", "")


def test_lesson_10_asks_theory_alone_without_django() -> None:
    said = dict(run("10", hide("django")))

    assert "there is no django. Type: realtime-kit install-deps --for 10" in said["imports"]
    assert said["with"] == said["without-outage"] == "None\n"
    assert "Right" in said["check-on"]
    assert "Measured" not in said["check-on"] + said["check-off"]


def test_lesson_11_runs_on_sqlite_without_postgresql() -> None:
    said = dict(run("11", hide("postgres")))

    assert "PostgreSQL is not installed. Type: realtime-kit install-deps --for 10" in said["imports"]
    assert "board where it was: True" in said["down"]
    assert (said["postgresql"], said["outage"], said["outage-back"]) == ("", "", "")
    assert "RETHINKDB_URL is not set" in said["latency"]
    assert "SQLite" in said["latency-shown"]
    assert " 0 lost" in said["latency-shown"]
    assert "PostgreSQL" not in said["latency-shown"]


def test_lesson_12_runs_its_process_for_each_request_without_the_two_runtimes() -> None:
    said = dict(run("12", hide("functions-framework", "awslambdaric")))

    assert "there is no functions-framework. Type: realtime-kit install-deps --for 12" in said["imports"]
    assert "Measured 5, theory 5." in said["checked"]
    assert said["count"] == "2 WebSockets are open, 0 functions run\n"
    assert said["measured"].startswith("process per request")
    assert len(said["measured"].splitlines()) == 1
    assert "install-deps --for 12" in said["check-warm"]


def test_lesson_12_takes_the_one_runtime_that_is_there() -> None:
    said = dict(run("12", hide("functions-framework")))

    measured = [line.partition("  ")[0] for line in said["measured"].splitlines()]
    assert measured == ["process per request", "Lambda runtime"]
    assert "install-deps" not in said["check-warm"]


def test_lesson_12_goes_on_without_a_runtime_that_is_too_old() -> None:
    said = dict(run("12", OLD))

    assert "Google and AWS 1.0 is too old: it has to be 3.0 or later. Type: " in said["imports"]
    assert "Lambda runtime" not in said["measured"]


@pytest.mark.parametrize("missing", ["node", "npm packages"])
def test_lesson_13_runs_the_python_backend_without_node(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = hide("node") if missing == "node" else NO_PACKAGES
    said = dict(run("13", source))

    assert "realtime-kit install-deps --for 13" in said["imports"]
    assert "welcome" in said["visits"]
    assert "Ada (1): anybody here?" in said["visits"]
    assert "install-deps --for 13" in said["checked"]
    assert "origin: 0 WebSocket messages" in said["claimed"]
    assert said["results"].startswith("aiohttp: p50 ")
    assert "100" in said["results"]
    assert (said["restart"], said["restarted"]) == ("Ada (1): before\n", "Ada (2): after\n")


def test_lesson_14_counts_with_the_x_ray_without_nginx() -> None:
    said = dict(run("14", hide("nginx")))

    assert "nginx is not installed. Type: realtime-kit install-deps --for 14" in said["imports"]
    assert said["seen-count"] == "in front 1, behind 7\n"
    assert "Measured 1, theory 1." in said["check-front"]
    assert "Measured 7, theory 7." in said["check-behind"]
    assert "welcome" in said["stream-run"]
    assert said["polled"].startswith("in front 3, behind ")
    assert '"_format_version": "3.0"' in said["kong"]
    assert "install-deps --for 14" in said["own-2"]


def test_lesson_14_s_cell_for_kong_would_run_here_with_nginx_in_its_place() -> None:
    """Kong cannot be had on every machine. What its cell does with a gateway is the same for both programs."""
    in_its_place = {'components.presence("kong")': "components.presence('nginx')", ', program="kong"': ""}
    said = dict(run("14", "", in_its_place))

    first, hello, answers, *noted = said["kong-run"].splitlines()
    assert (first, hello) == ("401 without a key", "hello ")
    assert json.loads(answers)[-1] == 429
    assert [line.split()[:4] for line in noted[:2]] == [
        ["-", "GET", "/poll", "401"],
        ["ada", "GET", "/echo", "101"],
    ]
    assert len(noted) == 7
