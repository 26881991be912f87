"""What is written twice, in files that tools read, has to agree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def requirements(lines: list[str]) -> dict[str, str]:
    """Name to lower bound, without environment markers."""
    split = (re.fullmatch(r"([\w.-]+?)>=([\d.]+).*", line) for line in lines)
    return {match[1].lower(): match[2] for match in split if match}


def test_environment_yml_names_what_pyproject_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = requirements(project["dependencies"] + project["optional-dependencies"]["notebooks"])
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert requirements(pip) == wanted


def test_binder_uses_the_environment_at_the_root() -> None:
    assert (ROOT / "binder" / "environment.yml").resolve() == ROOT / "environment.yml"


def test_importing_the_kit_imports_nothing_heavy() -> None:
    heavy = ["aiohttp", "numpy", "matplotlib", "gripcontrol", "requests", "zmq", "psutil", "asyncio"]
    code = f"import sys, realtime_kit; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported() -> None:
    code = "import realtime_kit; print(all(getattr(realtime_kit, name) for name in realtime_kit.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
