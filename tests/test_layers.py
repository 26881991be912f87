"""The order of the stages, as docs/how-it-flows.md states it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import realtime_kit

PACKAGE = Path(realtime_kit.__file__).parent
STAGES = (
    "schedule",
    "publisher",
    "pushpin",
    "components",
    "gateway",
    "databases",
    "changefeeds",
    "origin",
    "taps",
    "clients",
    "measurements",
    "theory",
    "plots",
    "exercises",
)
BESIDE = {"errors", "quantities", "background", "cell", "listening", "numbers", "worker", "processors", "tls"}


def imported_stages(path: Path) -> Iterator[str]:
    """Kit modules imported when the module itself is imported (not inside functions)."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("realtime_kit"):
            parts = (node.module or "").split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_only_from_stages_before_it_and_from_theory(stage: str) -> None:
    allowed = {*STAGES[: STAGES.index(stage) + 1], "theory", *BESIDE}
    for path in (PACKAGE / stage).rglob("*.py"):
        assert set(imported_stages(path)) <= allowed, path


def test_theory_imports_no_other_stage() -> None:
    for path in (PACKAGE / "theory").rglob("*.py"):
        assert set(imported_stages(path)) <= {"theory", "errors", "quantities"}, path


def test_every_folder_of_the_package_is_a_stage_the_lab_or_the_command_line() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == {*STAGES, "lab", "cli"}
