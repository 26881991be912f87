"""What the modules have in common."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

from realtime_kit import theory
from realtime_kit.quantities import Latency, Load

SOURCES = sorted(Path(theory.__file__).parent.glob("*.py"))
ALLOWED = {"realtime_kit.quantities", "realtime_kit.errors", "realtime_kit.theory"}


def imported(source: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_formulas_import_nothing_that_could_measure(source):
    for name in imported(source):
        ours = any(name == stage or name.startswith(stage + ".") for stage in ALLOWED)
        assert ours or name.partition(".")[0] in {*sys.stdlib_module_names, "numpy"}


@pytest.mark.parametrize("transport", ["polling", "long_polling", "streaming", "websocket"])
def test_every_transport_predicts_latency_and_load_under_the_same_names_and_types(transport):
    module = getattr(theory, transport)
    assert inspect.signature(module.latency, eval_str=True).return_annotation is Latency
    assert inspect.signature(module.load, eval_str=True).return_annotation is Load


@pytest.mark.parametrize("module_name", theory.__all__)
def test_every_public_function_explains_itself(module_name):
    module = getattr(theory, module_name)
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and function.__module__ == module.__name__:
            assert "Args:" in function.__doc__
            assert "Raises:" in function.__doc__
