"""What is written twice, in files that tools read, has to agree."""

from __future__ import annotations

import re
import shutil
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


def test_in_a_fork_of_another_name_too_the_clone_is_entered(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("backends"))
    subprocess.run(["make", "fork", "TO=somebody/other-name"], cwd=tmp_path, check=True, capture_output=True)
    (line,) = re.findall(r"^git clone .*", (tmp_path / "README.md").read_text(), re.MULTILINE)
    address, folder, entered = re.fullmatch(r"git clone (\S+) (\S+) && cd (\S+)", line).groups()  # type: ignore[union-attr]

    assert address == "https://github.com/somebody/other-name"
    assert folder == entered


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
