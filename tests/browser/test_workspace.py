"""What a session in Binder looks like at first: the workspace that binder/start imports."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
ARTEFACTS = ROOT / "artefacts" / "browser"

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def test_lessons_are_open_side_by_side(jupyter: Any, lab: Any, eventually: Any) -> None:
    subprocess.run([BINDER / "start", "true"], env=jupyter.environ, check=True)
    workspace = json.loads((BINDER / "workspace.json").read_text())["data"]
    names = [Path(value["data"]["path"]).name for value in workspace.values() if "data" in value]

    page = lab.visit("lab")

    for name in names:
        page.get_by_role("tab", name=name).wait_for()
    eventually(lambda: jupyter.states() == ["idle"] * len(names), lambda: f"kernels: {jupyter.states()}")
    panels = page.locator(".jp-NotebookPanel:visible").all()
    boxes = sorted((panel.bounding_box() for panel in panels), key=lambda box: box["x"])
    assert len(boxes) == len(names)
    for left, right in itertools.pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"]
        assert abs(left["y"] - right["y"]) < 1
    page.screenshot(path=ARTEFACTS / "workspace.png")
