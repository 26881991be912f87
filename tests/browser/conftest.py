"""A real JupyterLab in a real browser, for whatever a lesson shows there.

    def test_something(jupyter: Jupyter, lab: Lab) -> None:
        notebook = lab.open("00-welcome")          # or lab.write("mine", "print(1)", "2")
        notebook.run_all()
        assert notebook.errors() == []
        notebook.screenshot("welcome")             # kept in artefacts/browser/

`notebook.page` is Playwright's page. After each test its kernels are gone, with all that they had started.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from realtime_kit.pushpin.ports import free_port

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "artefacts" / "browser"
MARKER = "REALTIME_KIT_TEST_BROWSER"
"""An environment variable: all that the server starts inherits it, however far down."""

PATIENCE_S = 60.0
"""How long to look for something before it counts as missing; a busy machine takes its time."""

SERVER_GRACE_S = 10.0
BASE_URL = "/course/"
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
NEVER_ASK = {"fetchNews": "false", "checkForUpdates": False}
NOTIFICATIONS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"


def until(condition: Callable[[], Any], otherwise: Callable[[], str]) -> Any:
    """Look again and again until something is so, and return it; for what nobody announces."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)
    return found


@dataclass(frozen=True)
class Jupyter:
    """A server of its own: `folder` is what it shows, with the lessons below `notebooks/`.

    A program that is started with `environ` uses the server's folders.
    """

    folder: Path
    environ: dict[str, str]
    url: str
    token: str
    marker: str
    pid: int

    def ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def started(self) -> list[psutil.Process]:
        """Every living process that the server, or anything it started, has started."""
        return [process for process in marked(self.marker) if process.pid != self.pid]

    def states(self) -> list[str]:
        """What each kernel does: `starting`, `idle` or `busy`."""
        return [session["kernel"]["execution_state"] for session in self.ask("api/sessions")]

    def end_kernels(self) -> None:
        # A server that is told to end a kernel while that is starting, or to end itself, waits for ever.
        until(lambda: "starting" not in self.states(), lambda: f"kernels: {self.states()}")
        for session in self.ask("api/sessions"):
            with contextlib.suppress(urllib.error.HTTPError):
                self.ask(f"api/sessions/{session['id']}", "DELETE")
        until(lambda: not self.started(), lambda: f"left: {self.started()}")


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def command(self, name: str) -> None:
        """Execute one of JupyterLab's commands, and wait until it is done."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def save(self) -> None:
        """Save the file, with its outputs."""
        self.command("docmanager:save")

    def run_all(self) -> None:
        """Run every cell, and wait until the last has ended."""
        self.command("notebook:run-all-cells")

    def run_cell(self, index: int) -> None:
        """Run one cell, as a press of Shift and Enter would, and wait until it has ended."""
        self.page.evaluate(
            "index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index
        )
        self.command("notebook:run-cell")

    def begin(self, code: str) -> None:
        """Have the kernel run code that is in no cell, and do not wait for it."""
        self.page.evaluate(
            """code => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                kernel.requestExecute({ code, store_history: false });
            }""",
            code,
        )

    def ask(self, code: str) -> str:
        """Have the kernel run code that is in no cell, and return what it printed."""
        answer = self.page.evaluate(
            """async code => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const running = kernel.requestExecute({ code, store_history: false });
                let printed = '', error = null;
                running.onIOPub = ({ header, content }) => {
                    if (header.msg_type === 'stream') printed += content.text;
                    if (header.msg_type === 'error') error = content.traceback.join('\\n');
                };
                await running.done;
                return { printed, error };
            }""",
            code,
        )
        assert answer["error"] is None, answer["error"]
        return str(answer["printed"]).strip()

    def until(self, expression: str) -> None:
        """Wait until an expression in the kernel is true."""
        until(lambda: self.ask(f"print(bool({expression}))") == "True", lambda: f"not so: {expression}")

    def outputs(self) -> list[list[dict[str, Any]]]:
        """The outputs of each code cell, as a notebook file has them."""
        found: list[list[dict[str, Any]]] = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code').map(cell => cell.model.outputs.toJSON())"""
        )
        return found

    def not_run(self) -> list[str]:
        """The source of every code cell that has not been executed to its end."""
        found: list[str] = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
                .filter(cell => cell.model.executionCount === null)
                .map(cell => cell.model.sharedModel.getSource())"""
        )
        return found

    def errors(self) -> list[str]:
        return [
            "\n".join(output["traceback"])
            for outputs in self.outputs()
            for output in outputs
            if output["output_type"] == "error"
        ]

    def screenshot(self, name: str, *, of: str | None = None) -> Path:
        """A picture of the page, or of what a CSS selector finds there, kept as `artefacts/browser/NAME.png`."""
        return screenshot(self.page, name, of=of)


def screenshot(page: Page, name: str, *, of: str | None = None) -> Path:
    path = ARTEFACTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    (page.locator(of) if of else page).screenshot(path=path)
    return path


class Lab:
    """JupyterLab in the browser."""

    def __init__(self, jupyter: Jupyter, context: BrowserContext) -> None:
        self.jupyter = jupyter
        self.context = context

    def visit(self, path: str = "lab") -> Page:
        """Load a page of the server, and wait until JupyterLab is there."""
        page = self.context.new_page()
        # The token once, as a learner's link has it; from then on there is a cookie.
        page.goto(f"{self.jupyter.url}{path}?token={self.jupyter.token}")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget")
        return page

    def open(self, path: str) -> Notebook:
        """Open a notebook in a new page, and wait until its kernel is idle."""
        # A workspace of its own, or the page would bring back what others had open.
        page = self.visit(f"lab/workspaces/{secrets.token_hex(4)}/tree/{path}")
        self.wait_for_kernel(page)
        return Notebook(page)

    def wait_for_kernel(self, page: Page) -> None:
        """Wait until the kernel of the notebook in a page is idle; before that, cells run into nothing."""
        page.get_by_text("| Idle").wait_for()

    def open_lesson(self, name: str) -> Notebook:
        """Open one of the lessons, such as `00-welcome`."""
        return self.open(f"notebooks/{name}.ipynb")

    def write(self, name: str, *cells: str) -> Notebook:
        """Make a notebook of these code cells, and open it."""
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(made, self.jupyter.folder / f"{name}.ipynb")
        return self.open(f"{name}.ipynb")

    def wear(self, theme: str) -> None:
        """Change the theme of every page: `Light` or `Dark`."""
        for page in self.context.pages:
            if page.url != "about:blank":
                page.evaluate(
                    "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
                    f"JupyterLab {theme}",
                )
                page.wait_for_function(
                    "light => document.body.dataset.jpThemeLight === light", arg=str(theme == "Light").lower()
                )
                page.locator("#jupyterlab-splash").wait_for(state="detached")


def marked(marker: str) -> list[psutil.Process]:
    """Every living process that has inherited the marker, whoever is its parent by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARKER) == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any], Callable[[], str]], Any]:
    """Looks again and again until something is so."""
    return until


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with an empty profile. Without a Chromium this fails, and says what to do."""
    asked = subprocess.run(
        [sys.executable, Path(__file__).with_name("chromium.py")], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        pytest.fail(asked.stderr.strip(), pytrace=False)
    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=asked.stdout.strip(),
            args=FLAGS.split(),
            viewport={"width": 1280, "height": 900},
        )
        browser.set_default_timeout(PATIENCE_S * 1000)
        yield browser
        browser.close()
    until(lambda: not users_of(profile), lambda: f"left: {users_of(profile)}")


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """A server with folders of its own, below a `base_url`; ended, and nothing of it left, with the module."""
    own, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    settings = own / "config" / "lab" / "user-settings" / NOTIFICATIONS
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(NEVER_ASK))
    port, token, marker = free_port(), secrets.token_hex(16), secrets.token_hex(8)
    environ = environment(own, marker)
    with (own / "log").open("w") as log:
        server = subprocess.Popen(
            server_command(port, token), cwd=folder, env=environ, stdout=log, stderr=log
        )
    found = Jupyter(folder, environ, f"http://127.0.0.1:{port}{BASE_URL}", token, marker, server.pid)
    try:
        until(lambda: server.poll() is not None or is_up(found), (own / "log").read_text)
        assert server.poll() is None, (own / "log").read_text()
        yield found
    finally:
        server.terminate()
        # Told in the middle of a request it stops serving, and then waits for a thread of AnyIO's that never ends.
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(SERVER_GRACE_S)
        server.kill()
        server.wait()
        until(lambda: not marked(marker), lambda: f"left: {marked(marker)}")


@pytest.fixture
def lab(jupyter: Jupyter, context: BrowserContext) -> Iterator[Lab]:
    """JupyterLab in the browser; afterwards its pages are closed and its kernels gone."""
    yield from lab_of(jupyter, context)


@pytest.fixture(scope="module")
def lab_of_module(jupyter: Jupyter, context: BrowserContext) -> Iterator[Lab]:
    """The same for a whole module: its tests share a page, which takes seconds to load."""
    yield from lab_of(jupyter, context)


def lab_of(jupyter: Jupyter, context: BrowserContext) -> Iterator[Lab]:
    before = set(context.pages)
    yield Lab(jupyter, context)
    for page in set(context.pages) - before:
        page.close()
    jupyter.end_kernels()


@pytest.fixture(autouse=True)
def picture_of_failure(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[None]:
    """A picture of every page when a test has failed."""
    yield
    if request.node.stash.get(FAILED, False):
        for number, page in enumerate(context.pages[1:], start=1):
            screenshot(page, f"failed-{request.node.name}-{number}")


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def server_command(port: int, token: str) -> list[str]:
    options = {
        "ServerApp.base_url": BASE_URL,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": True,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": None,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *given]


def environment(own: Path, marker: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **inherited,
        **{name: str(own / folder) for name, folder in folders.items()},
        "PATH": path,
        MARKER: marker,
    }


def is_up(jupyter: Jupyter) -> bool:
    with contextlib.suppress(OSError):
        return bool(jupyter.ask("api/status"))
    return False


def users_of(profile: Path) -> list[psutil.Process]:
    """Every process that was told to use a browser's profile."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(profile) in argument for argument in process.cmdline()):
                found.append(process)
    return found
