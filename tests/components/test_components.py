"""What lessons need besides Pushpin: found, versioned, and how it would get onto this machine or that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime_kit import components
from realtime_kit.components import (
    COMPONENTS,
    Component,
    Found,
    NodePackages,
    Program,
    PythonPackages,
    of_lessons,
    plan,
)
from realtime_kit.components.install import QUIETLY
from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.pushpin.machine import Machine

DEBIAN = Machine("Linux", Path("/p"), "debian", "12", has_apt=True)
ROOT = Machine("Linux", Path("/p"), "debian", "12", has_apt=True, is_root=True)


def program(folder: Path, says: str = "", *, status: int = 0, **more: object) -> Program:
    """A component whose program is a script that says so on standard error, as nginx does."""
    if says or status:
        path = folder / "gate"
        path.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
        path.chmod(0o755)
    given: dict[str, object] = {
        "name": "gate",
        "title": "Gate",
        "lessons": (14,),
        "program": "gate",
        "least": "1.18",
        "folders": (str(folder),),
        "apt": ("gate-light",),
        "brew": "gate",
    }
    return Program(**(given | more))  # type: ignore[arg-type]


# Found or not


def test_a_program_off_the_path_is_found_and_says_its_version(tmp_path: Path) -> None:
    found = program(tmp_path, "gate version: gate/1.22.1 (Debian)").find()
    assert found == Found("gate", "1.22.1", tmp_path / "gate")


def test_the_newest_of_several_folders_is_taken(tmp_path: Path) -> None:
    for version in ("9", "15"):
        folder = tmp_path / version
        folder.mkdir()
        program(folder, f"gate {version}.1")
    assert program(tmp_path, folders=(f"{tmp_path}/*",)).find().version == "15.1"


@pytest.mark.parametrize(
    ("says", "status", "what"),
    [
        ("", 0, "Gate is not installed."),
        ("gate/1.9.3", 0, "Gate 1.9.3 is too old: it has to be 1.18 or later."),
        ("no idea", 0, "does not say its version"),
        ("gate/1.22", 3, "does not run"),
    ],
)
def test_what_will_not_do_is_said_with_its_cure(tmp_path: Path, says: str, status: int, what: str) -> None:
    with pytest.raises(MissingDependency) as caught:
        program(tmp_path, says, status=status).find()
    assert what in caught.value.what
    assert caught.value.cure == "Type: realtime-kit install-deps --for 14"


def test_python_packages_have_to_be_complete_and_new_enough() -> None:
    def needing(**least: str) -> PythonPackages:
        return PythonPackages(name="x", title="X", lessons=(10,), extra="x", least=least)

    assert needing(numpy="1.0", pytest="1.0").find().version
    with pytest.raises(MissingDependency, match="there is no surely-not-there"):
        needing(**{"numpy": "1.0", "surely-not-there": "1.0"}).find()
    with pytest.raises(MissingDependency, match="it has to be 999 or later"):
        needing(numpy="999").find()


def node(folder: Path | None) -> NodePackages:
    where: Callable[[], Path | None] = lambda: folder  # noqa: E731
    return NodePackages(name="js", title="JS", lessons=(13,), folder=where, package="express")


def test_node_packages_are_looked_for_beside_their_backend(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="is not installed"):
        node(tmp_path).find()
    package = tmp_path / "node_modules" / "express"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": "5.1.0"}))
    assert node(tmp_path).find() == Found("js", "5.1.0", package)


def test_every_component_has_a_name_of_its_own_and_a_lesson() -> None:
    names = [each.name for each in COMPONENTS]
    assert len(set(names)) == len(names)
    assert all(each.lessons for each in COMPONENTS)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"there are .*nginx"):
        components.find("apache")


# Which lesson needs what


def test_a_lesson_is_named_or_numbered() -> None:
    assert of_lessons("14") == of_lessons("gateway")
    assert {each.name for each in of_lessons("13")} >= {"node", "npm", "express"}
    assert of_lessons("1") == ()
    assert of_lessons("all") == COMPONENTS


@pytest.mark.parametrize("wanted", ["99", "-1", "kong", ""])
def test_what_is_no_lesson_is_refused(wanted: str) -> None:
    with pytest.raises(UsageError, match="there is no lesson"):
        of_lessons(wanted)


# Plans


def lines(wanted: list[Component], machine: Machine) -> list[str]:
    return [str(step) for step in plan(wanted, machine).steps]


def test_as_root_apt_installs_all_at_once_and_starts_no_service(tmp_path: Path) -> None:
    two = [program(tmp_path), program(tmp_path, name="wall", apt=("wall",))]
    assert lines(two, ROOT) == [
        "apt-get update",
        f"{' '.join(QUIETLY)} apt-get install -y --no-install-recommends gate-light wall",
    ]


def test_under_systemd_and_with_sudo_the_services_are_masked_first(tmp_path: Path) -> None:
    machine = Machine("Linux", Path("/p"), has_apt=True, has_sudo=True, has_systemd=True)
    wanted = plan([program(tmp_path, services=("gate.service",))], machine)
    assert [step.argv[:4] for step in wanted.steps] == [
        ("sudo", "apt-get", "update"),
        ("sudo", "systemctl", "mask", "gate.service"),
        ("sudo", "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"),
    ]
    assert wanted.needs_confirmation


def test_homebrew_is_asked_once_for_each_formula(tmp_path: Path) -> None:
    machine = Machine("Darwin", Path("/p"), has_brew=True)
    both = [program(tmp_path), program(tmp_path, name="gatectl")]
    assert lines(both, machine) == ["brew install gate"]


def test_without_rights_the_cure_is_for_whoever_has_them(tmp_path: Path) -> None:
    wanted = plan([program(tmp_path)], DEBIAN)
    assert not wanted.steps
    assert "apt-get install gate-light" in wanted.beyond[0].cure


def test_what_is_here_and_what_is_optional_is_left_alone(tmp_path: Path) -> None:
    here = program(tmp_path, "gate/1.22")
    optional = program(tmp_path, name="kong", program="surely-not-there", optional=True)
    assert plan([here, optional], ROOT).missing == ()
    assert str(plan([here], ROOT)) == "Nothing to do: every component is here."


def test_node_packages_are_installed_as_the_lock_file_says(tmp_path: Path) -> None:
    assert lines([node(tmp_path)], DEBIAN) == [
        f"npm ci --no-audit --no-fund --loglevel=error --prefix {tmp_path}"
    ]
    assert "clone of the repository" in plan([node(None)], DEBIAN).beyond[0].cure


# Presence


def test_what_is_here_is_true_and_says_its_version() -> None:
    here = components.presence("django")
    assert here
    assert repr(here).startswith("django ")


def test_what_is_not_here_is_false_and_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    gone = components.presence("nginx", "node")
    assert not gone
    assert repr(gone).splitlines() == [
        "nginx is not installed. Type: realtime-kit install-deps --for 14",
        "Node.js is not installed. Type: realtime-kit install-deps --for 13",
        "What needs it is passed over; the rest of this lesson runs.",
    ]


def test_to_ask_for_what_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="there is no component 'apache'"):
        components.presence("apache")
