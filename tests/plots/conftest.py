"""Makes the builders of `example_run.py` available as the fixture `example`."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def example() -> ModuleType:
    path = Path(__file__).with_name("example_run.py")
    spec = importlib.util.spec_from_file_location("example_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
