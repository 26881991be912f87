"""How the same function is run in three ways: each a `Backend` for `serving`."""

from __future__ import annotations

import sys
from pathlib import Path

from realtime_kit.origin.backend import Backend


def function_platforms(folder: Path) -> dict[str, Backend]:
    """The three platforms for a folder with `process.py`, `google_function.py` and `lambda_function.py`, by name."""
    google = ("--source", "google_function.py", "--target", "function", "--host", "127.0.0.1")
    modules = {
        "process per request": ("realtime_kit.origin.functions", "process.py"),
        "functions-framework": ("functions_framework", *google),
        "Lambda runtime": ("realtime_kit.origin.runtime_api", "lambda_function.handler"),
    }
    return {
        name: Backend((sys.executable, "-m", *arguments), folder, name=name)
        for name, arguments in modules.items()
    }
