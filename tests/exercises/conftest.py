"""Makes the builders of `simulated_run.py` available as the fixture `simulated`."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from realtime_kit import Run


@pytest.fixture(scope="session")
def simulated() -> ModuleType:
    path = Path(__file__).with_name("simulated_run.py")
    spec = importlib.util.spec_from_file_location("simulated_run", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def run(simulated: ModuleType) -> Run:
    """30 clients, 6 events a second for 10 s, polled every 2 s, 3 ms to a client."""
    return simulated.simulate(simulated.Conditions(), np.random.default_rng(1))
