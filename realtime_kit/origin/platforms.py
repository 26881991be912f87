"""How the same function is run in three ways: each a `Backend` for `serving`."""

from __future__ import annotations

import sys
from pathlib import Path

from realtime_kit.components import RUNTIMES
from realtime_kit.errors import MissingDependency
from realtime_kit.origin.backend import Backend

_MODULES = {
    "process per request": ("realtime_kit.origin.functions", "process.py"),
    "functions-framework": (
        "functions_framework",
        *("--source", "google_function.py", "--target", "function", "--host", "127.0.0.1"),
    ),
    "Lambda runtime": ("realtime_kit.origin.runtime_api", "lambda_function.handler"),
}
_PACKAGES = {"functions-framework": "functions-framework", "Lambda runtime": "awslambdaric"}
"""What has to be installed; a process per request needs nothing."""


def function_platforms(folder: Path) -> dict[str, Backend]:
    """The platforms that are here, by name: `process per request` always, `functions-framework`, `Lambda runtime`.

    Args:
        folder: A folder with `process.py`, `google_function.py` and `lambda_function.py`.
    """
    return {
        name: Backend((sys.executable, "-m", *arguments), folder, name=name)
        for name, arguments in _MODULES.items()
        if _is_here(name)
    }


def _is_here(platform: str) -> bool:
    package = _PACKAGES.get(platform)
    try:
        return package is None or bool(RUNTIMES.find_package(package))
    except MissingDependency:
        return False
