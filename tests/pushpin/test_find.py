import os
import re
from pathlib import Path

import pytest

from realtime_kit.errors import MissingDependency, PushpinBroken
from realtime_kit.pushpin import find
from realtime_kit.pushpin.find import find_pushpin
from realtime_kit.pushpin.version import PushpinVersion


def make_program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def make_pushpin(folder: Path, version: str = "1.36.0") -> Path:
    """A stand-in that answers `--version`, with its components beside it."""
    for component in PushpinVersion.parse(f"pushpin {version}").components:
        make_program(folder / component, "exit 1")
    return make_program(folder / "pushpin", f"echo pushpin {version}")


def make_unpacked(root: Path, version: str = "1.36.0") -> Path:
    """The same, in a tree as `dpkg -x` leaves it."""
    (root / "usr/lib/pushpin").mkdir(parents=True)
    return make_pushpin(root / "usr/bin", version)


def test_an_explicit_path_comes_first(tmp_path: Path) -> None:
    explicit, named = make_pushpin(tmp_path / "a"), make_pushpin(tmp_path / "b")
    found = find_pushpin(explicit, environ={"REALTIME_KIT_PUSHPIN": str(named)})
    assert (found.binary, found.source) == (explicit, "argument")


def test_the_variable_comes_before_path(tmp_path: Path) -> None:
    named, on_path = make_pushpin(tmp_path / "a"), make_pushpin(tmp_path / "b")
    found = find_pushpin(environ={"REALTIME_KIT_PUSHPIN": str(named), "PATH": str(on_path.parent)})
    assert (found.binary, found.source) == (named, "REALTIME_KIT_PUSHPIN")


def test_path_comes_before_the_private_prefix(tmp_path: Path) -> None:
    on_path = make_pushpin(tmp_path / "bin")
    make_unpacked(tmp_path / "kit/pushpin")
    found = find_pushpin(environ={"PATH": str(on_path.parent), "REALTIME_KIT_HOME": str(tmp_path / "kit")})
    assert (found.binary, found.source) == (on_path, "PATH")


def test_the_private_prefix_comes_last(tmp_path: Path) -> None:
    private = make_unpacked(tmp_path / "kit/pushpin")
    found = find_pushpin(environ={"PATH": "", "REALTIME_KIT_HOME": str(tmp_path / "kit")})
    assert (found.binary, found.source) == (private, "private prefix")


def test_the_version_is_read(tmp_path: Path) -> None:
    assert find_pushpin(make_pushpin(tmp_path, "1.38.0")).version == PushpinVersion(1, 38)


def test_an_installation_prints_what_and_where_it_is(tmp_path: Path) -> None:
    binary = make_pushpin(tmp_path)
    assert str(find_pushpin(binary)) == f"Pushpin 1.36.0 at {binary} (from: argument)"


def test_a_system_wide_pushpin_needs_no_environment_and_no_libdir(tmp_path: Path) -> None:
    found = find_pushpin(make_pushpin(tmp_path / "usr/local/bin"))
    assert (found.prefix, found.libdir, found.environment) == (None, None, {})


def test_an_unpacked_pushpin_gets_the_library_folders_of_its_own_architecture(tmp_path: Path) -> None:
    binary = make_unpacked(tmp_path)
    for folder in ("usr/lib/riscv64-linux-gnu", "lib/riscv64-linux-gnu"):
        (tmp_path / folder).mkdir(parents=True)
    found = find_pushpin(binary)
    assert found.libdir == tmp_path / "usr/lib/pushpin"
    assert found.environment == {
        "PATH": f"{tmp_path}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": f"{tmp_path}/lib/riscv64-linux-gnu:{tmp_path}/usr/lib/riscv64-linux-gnu",
    }


def test_an_unpacked_pushpin_is_asked_with_its_own_libraries(tmp_path: Path) -> None:
    binary = make_unpacked(tmp_path)
    (tmp_path / "usr/lib/x86_64-linux-gnu").mkdir()
    make_program(binary, 'case "$LD_LIBRARY_PATH" in */x86_64-linux-gnu) echo pushpin 1.36.0;; esac')
    assert find_pushpin(binary).prefix == tmp_path


def test_a_stranger_of_the_same_name_on_path_is_passed_over(tmp_path: Path) -> None:
    stranger = make_program(tmp_path / "venv/pushpin", "echo pins for your board 3.1")
    real = make_pushpin(tmp_path / "bin")
    found = find_pushpin(environ={"PATH": f"{stranger.parent}:{real.parent}"})
    assert found.binary == real


def test_without_any_the_error_says_where_it_looked_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "cure_for_platform", lambda _: "Run `realtime-kit install-deps`.")
    with pytest.raises(MissingDependency) as caught:
        find_pushpin(environ={"PATH": "", "REALTIME_KIT_HOME": str(tmp_path)})
    assert str(caught.value) == (
        f"No Pushpin was found on PATH or in {tmp_path}/pushpin. Run `realtime-kit install-deps`."
    )


def test_with_only_a_stranger_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "cure_for_platform", lambda _: "Run `realtime-kit install-deps`.")
    stranger = make_program(tmp_path / "pushpin", "echo pins for your board 3.1")
    with pytest.raises(MissingDependency, match=re.escape(f"{stranger} --version does not answer like")):
        find_pushpin(environ={"PATH": str(tmp_path), "REALTIME_KIT_HOME": str(tmp_path / "kit")})


def test_a_given_path_without_a_file_says_who_gave_it(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency) as caught:
        find_pushpin(environ={"REALTIME_KIT_PUSHPIN": f"{tmp_path}/no"})
    assert str(caught.value) == (
        f"Pushpin was given as {tmp_path}/no (REALTIME_KIT_PUSHPIN). There is no file {tmp_path}/no. "
        "Give the path of a `pushpin` program, or none to let the kit search."
    )


def test_a_given_path_that_may_not_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PushpinBroken, match="is not a program that may be run"):
        find_pushpin(tmp_path)


def test_a_given_stranger_is_refused_with_what_it_answered(tmp_path: Path) -> None:
    stranger = make_program(tmp_path / "pushpin", "echo pins for your board 3.1")
    with pytest.raises(PushpinBroken, match=r"found 'pins for your board 3\.1'") as caught:
        find_pushpin(stranger)
    assert "PyPI" in str(caught.value)


def test_a_program_that_cannot_start_is_refused_with_what_the_loader_said(tmp_path: Path) -> None:
    loader = "echo error while loading shared libraries: libQt5Core.so.5 >&2; exit 127"
    with pytest.raises(PushpinBroken, match=r"It also said: error while loading .*libQt5Core"):
        find_pushpin(make_program(tmp_path / "pushpin", loader))


def test_a_program_of_another_machine_is_refused(tmp_path: Path) -> None:
    foreign = make_program(tmp_path / "pushpin", "")
    foreign.write_bytes(b"\x7fELF no such machine")
    with pytest.raises(PushpinBroken, match="does not start: Exec format error"):
        find_pushpin(foreign)


def test_a_program_that_waits_for_ever_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "VERSION_TIMEOUT_S", 0.2)
    with pytest.raises(PushpinBroken, match=r"gave no answer in 0.2 s"):
        find_pushpin(make_program(tmp_path / "pushpin", "exec sleep 60"))


def test_a_release_before_1_31_is_too_old(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match=r"is Pushpin 1.30.9, and the kit needs 1.31.0 or later"):
        find_pushpin(make_program(tmp_path / "pushpin", "echo pushpin 1.30.9"))


def test_a_pushpin_without_its_components_is_refused_with_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = make_pushpin(tmp_path)
    (tmp_path / "condure").unlink()
    (tmp_path / "zurl").unlink()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PushpinBroken, match=r"is Pushpin 1.36.0, which cannot run without condure and zurl"):
        find_pushpin(binary)


def test_a_component_may_be_elsewhere_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = make_pushpin(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "a/zurl").rename(tmp_path / "b/zurl")
    monkeypatch.setenv("PATH", f"{tmp_path}/b:/usr/bin:/bin")
    assert find_pushpin(binary).binary == binary


def test_an_unpacked_pushpin_does_not_borrow_components_from_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = make_unpacked(tmp_path / "root")
    (tmp_path / "b").mkdir()
    (tmp_path / "root/usr/bin/zurl").rename(tmp_path / "b/zurl")
    monkeypatch.setenv("PATH", f"{tmp_path}/b:/usr/bin:/bin")
    with pytest.raises(PushpinBroken, match="cannot run without zurl"):
        find_pushpin(binary)
