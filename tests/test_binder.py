"""Binder, as far as it can be had without Docker: what it would build, what it would start, and what leads there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
SCRIPTS = [BINDER / "postBuild", BINDER / "start"]
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = PROJECT["urls"]["Source"].removeprefix("https://github.com/")
"""The one place that says whose repository this is."""


# What it builds


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Dockerfile that Binder would build, and what repo2docker says about it."""
    copy = tmp_path_factory.mktemp("repository")
    shutil.copytree(BINDER, copy / "binder", symlinks=True)
    shutil.copy(ROOT / "environment.yml", copy)
    shutil.copy(ROOT / "pyproject.toml", copy)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_pushpin_is_installed_from_apt(built: str) -> None:
    assert re.search(r"apt-get install .*\bpushpin\b", built)


def test_the_python_of_environment_yml_is_recognised(built: str) -> None:
    wanted = re.search(r"- python=(\S+)", (ROOT / "environment.yml").read_text())[1]

    assert wanted == "3.12"
    # With `python>=3.12` it would say nothing of the kind, and build another.
    assert f"Building conda environment for python={wanted}" in built


def test_the_environment_is_the_roots_and_both_scripts_are_run(built: str) -> None:
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in built
    assert "RUN ./binder/postBuild" in built
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in built


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_executed_and_bash_can_read_it(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


# What it starts


def start(environ: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BINDER / "start", *command], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
    )


def test_a_session_begins_with_the_workspace_and_then_with_what_it_was_given(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    folders = {
        name: str(tmp_path) for name in ("JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    }

    done = start({**os.environ, **folders, "PATH": path}, "echo", "the server")

    assert done.stdout == "the server\n"
    (imported,) = tmp_path.glob("*.jupyterlab-workspace")
    assert json.loads(imported.read_text())["data"] == workspace()["data"]


def test_a_session_begins_even_if_the_workspace_cannot_be_had(tmp_path: Path) -> None:
    for tool in ("bash", "dirname", "echo"):
        (tmp_path / tool).symlink_to(shutil.which(tool))

    done = start({"PATH": str(tmp_path)}, "echo", "the server")

    assert done.stdout == "the server\n"


def test_the_workspace_is_the_one_that_opens_by_itself_and_opens_lessons() -> None:
    opened = {key: value["data"]["path"] for key, value in workspace()["data"].items() if "data" in value}

    assert workspace()["metadata"]["id"] == "default"
    assert next(iter(opened.values())) == "notebooks/00-welcome.ipynb"
    assert {key: f"notebook:{path}" for key, path in opened.items()} == {key: key for key in opened}
    assert {path for path in opened.values() if not (ROOT / path).exists()} == set()
    assert set(re.findall(r'"(notebook:[^"]+)"', json.dumps(workspace()))) == set(opened)


def workspace() -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    return json.loads((BINDER / "workspace.json").read_text())


# What leads there


def badges(path: Path) -> list[str]:
    return re.findall(r"https://mybinder\.org/v2/gh/([^)\s\\\"]+)", path.read_text())


def badge(lesson: str) -> str:
    return f"{REPOSITORY}/HEAD?urlpath=lab/tree/notebooks/{lesson}"


def test_the_readme_has_a_badge_for_every_lesson_there_is() -> None:
    assert sorted(badges(ROOT / "README.md")) == [badge(lesson) for lesson in LESSONS]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lessons_badge_opens_it_in_this_repository(lesson: str) -> None:
    assert badges(ROOT / "notebooks" / lesson) == [badge(lesson)]


def test_the_readme_clones_this_repository() -> None:
    assert re.findall(r"git clone (\S+)", (ROOT / "README.md").read_text()) == [PROJECT["urls"]["Source"]]
