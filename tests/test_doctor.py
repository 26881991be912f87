"""What the doctor says of machines in less than perfect health."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from realtime_kit import doctor
from realtime_kit.doctor import Finding, examine, healthy

INSTALLED = importlib.metadata.version


def find(findings: list[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def pretend(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Let packages seem installed in a version, or missing (None)."""

    def version(name: str) -> str:
        if name not in versions:
            return INSTALLED(name)
        if (given := versions[name]) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return given

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_missing_notebook_package_has_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, jupyterlab=None)
    findings = examine(start_pushpin=False)
    assert "realtime-kit[notebooks]" in find(findings, "jupyterlab").cure
    assert not healthy(findings)


@pytest.mark.parametrize(
    ("version", "works"),
    [("6.31.0", True), ("7.0.0", False), ("7.0.1", False), ("7.1.0", True), ("7.4.0", True)],
)
def test_kernels_under_which_boards_cannot_move_are_found(
    monkeypatch: pytest.MonkeyPatch, version: str, works: bool
) -> None:
    pretend(monkeypatch, ipykernel=version)
    found = find(list(doctor._packages()), "ipykernel")
    assert found.ok is works
    assert works or "ipykernel>=7.1" in found.cure


def test_the_unrelated_package_called_pushpin_is_named_but_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(monkeypatch, pushpin="0.1")
    findings = examine(start_pushpin=False)
    assert "pip uninstall pushpin" in find(findings, "pushpin from PyPI").cure
    assert healthy(findings)


@pytest.mark.parametrize(
    ("stranger", "wanted"), [("sseclient", "sseclient-py"), ("websocket", "websocket-client")]
)
def test_a_package_that_takes_the_name_of_one_that_lessons_need_makes_them_fail(
    monkeypatch: pytest.MonkeyPatch, stranger: str, wanted: str
) -> None:
    pretend(monkeypatch, **{stranger: "0.2.1"})
    findings = examine(start_pushpin=False)
    assert f"pip install {wanted}`" in find(findings, f"{stranger} from PyPI").cure
    assert not healthy(findings)


def test_a_missing_pushpin_has_the_cure_of_this_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REALTIME_KIT_HOME", str(tmp_path))
    finding = find(examine(start_pushpin=False), "Pushpin")
    assert not finding.ok
    assert finding.cure


def test_another_system_is_told_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "system", lambda: "Windows")
    assert "Binder" in find(list(doctor._python()), "system").cure


def test_a_folder_for_sockets_that_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryDirectory", refuse)
    finding = find(list(doctor._temporary()), "/tmp")
    assert (finding.ok, finding.found) == (False, "Permission denied")


@pytest.mark.parametrize(
    ("ok", "needed", "line"),
    [
        (True, True, "ok    it                   found"),
        (True, False, "ok    it                   found"),
        (False, True, "FAIL  it                   found\n                           do this"),
        (False, False, "note  it                   found\n                           do this"),
    ],
)
def test_a_line_says_whether_lessons_fail_for_it(ok: bool, needed: bool, line: str) -> None:
    assert str(Finding("it", ok, "found", "" if ok else "do this", needed)) == line


def test_names_and_findings_stand_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, pushpin="0.1", sseclient="0.0.27", jupyterlab=None)
    findings = examine(start_pushpin=False)
    lines = [str(finding).splitlines()[0] for finding in findings]
    assert [line[27:] for line in lines] == [finding.found for finding in findings]
    assert "note  pushpin from PyPI    0.1" in lines
    assert "FAIL  sseclient from PyPI  0.0.27" in lines
    assert "FAIL  jupyterlab           not installed" in lines
