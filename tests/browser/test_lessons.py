"""Every lesson in a real browser, as a learner opens it: run from top to bottom in JupyterLab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

LESSONS = sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_to_its_end_in_the_browser_and_leaves_nothing(lab: Any, name: str) -> None:
    notebook = lab.open_lesson(name)

    notebook.run_all()
    notebook.screenshot(f"lesson-{name}")

    assert notebook.errors() == []
    assert notebook.not_run() == []
    kernel = int(notebook.ask("import os; print(os.getpid())"))
    assert [process for process in lab.jupyter.started() if process.pid != kernel] == []
