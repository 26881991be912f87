import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime_kit.errors import MissingDependency, PushpinBroken
from realtime_kit.pushpin.private_prefix import install_privately, private_steps, staging_folder
from realtime_kit.pushpin.step import Step

UNPACKED = """
mkdir -p "$0/root/usr/bin" "$0/root/usr/lib/pushpin" && cd "$0/root/usr/bin"
for name in condure zurl pushpin-proxy pushpin-handler; do touch $name; done
echo '#!/bin/sh\necho {answer}' > pushpin && chmod +x pushpin
"""


def steps(prefix: Path, script: str) -> tuple[Step, ...]:
    """A stand-in for apt and dpkg that fills the staging folder, then the real last step."""
    fill = Step(("sh", "-ec", script, str(staging_folder(prefix))), "Fill it.")
    return (fill, private_steps(prefix, ("pushpin",))[-1])


def works(answer: str = "pushpin 1.36.0") -> str:
    return UNPACKED.format(answer=answer)


@pytest.fixture
def prefix(tmp_path: Path) -> Iterator[Path]:
    """A prefix in a folder that does not exist yet; no test may leave its staging folder behind."""
    prefix = tmp_path / "kit/pushpin"
    yield prefix
    assert not staging_folder(prefix).exists()


def test_the_steps_are_told_as_commands_with_reasons() -> None:
    told = [f"{step.why} {step}" for step in private_steps(Path("/me/kit/pushpin"), ("pushpin", "zurl"))]
    assert told == [
        "Fetch package lists into the kit's own folder. apt-get -c /me/kit/pushpin.partial/apt.conf update",
        (
            "Download Pushpin and every library it needs (about 30 MB). apt-get -c "
            "/me/kit/pushpin.partial/apt.conf install -y --download-only --no-install-recommends pushpin zurl"
        ),
        (
            "Unpack them there (about 100 MB); nothing on the system is changed. "
            """sh -ec 'for deb in "$1"/*.deb; do dpkg -x "$deb" "$2"; done' sh """
            "/me/kit/pushpin.partial/apt/cache/archives /me/kit/pushpin.partial/root"
        ),
        (
            "Give the folder its final name, once the Pushpin in it has answered `--version`. "
            "mv -T /me/kit/pushpin.partial/root /me/kit/pushpin"
        ),
    ]


def test_a_pushpin_that_answers_gets_the_final_name(prefix: Path) -> None:
    found = install_privately(prefix, steps(prefix, works()), echo=lambda _: None)
    assert (found.binary, found.source) == (prefix / "usr/bin/pushpin", "private prefix")


def test_a_second_call_runs_nothing(prefix: Path) -> None:
    install_privately(prefix, steps(prefix, works()), echo=lambda _: None)
    said: list[str] = []
    install_privately(prefix, steps(prefix, "exit 1"), echo=said.append)
    assert said == []


def test_apt_is_set_up_before_the_first_step(prefix: Path) -> None:
    install_privately(prefix, steps(prefix, f'cp "$0/apt.conf" "$0/..";{works()}'), echo=lambda _: None)
    settings = (prefix.parent / "apt.conf").read_text()
    assert f'Dir::State::status "{staging_folder(prefix)}/apt/state/status";' in settings


def test_what_a_killed_attempt_left_is_cleared_away(prefix: Path) -> None:
    (staging_folder(prefix) / "root/usr/bin/pushpin").mkdir(parents=True)
    install_privately(prefix, steps(prefix, works()), echo=lambda _: None)


def test_a_failing_step_leaves_no_prefix(prefix: Path) -> None:
    with pytest.raises(MissingDependency, match="No space left"):
        install_privately(prefix, steps(prefix, "echo No space left; exit 1"), echo=lambda _: None)
    assert list(prefix.parent.iterdir()) == []


def test_an_interrupt_leaves_no_prefix(prefix: Path) -> None:
    script = f"{works()} kill -INT {os.getpid()}; sleep 60"
    with pytest.raises(KeyboardInterrupt):
        install_privately(prefix, steps(prefix, script), echo=lambda _: None)
    assert list(prefix.parent.iterdir()) == []


def test_what_does_not_run_here_leaves_no_prefix(prefix: Path) -> None:
    with pytest.raises(PushpinBroken, match="does not answer like Pushpin"):
        install_privately(prefix, steps(prefix, works("GLIBC_2.99 not found")), echo=lambda _: None)
    assert list(prefix.parent.iterdir()) == []


def test_a_prefix_that_stopped_working_is_replaced(prefix: Path) -> None:
    install_privately(prefix, steps(prefix, works()), echo=lambda _: None)
    (prefix / "usr/bin/zurl").unlink()
    install_privately(prefix, steps(prefix, works("pushpin 1.37.0")), echo=lambda _: None)
    assert (prefix / "usr/bin/zurl").exists()


def test_a_second_process_waits_for_the_first_and_finds_its_work_done(prefix: Path) -> None:
    prefix.parent.mkdir()
    holder = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), 2); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, prefix.parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdout.readline()
        said: list[str] = []

        def finish_first(line: str) -> None:
            said.append(line)
            make_root = ["sh", "-ec", f"{works()} mv $0/root {prefix}", str(prefix.parent / "first")]
            subprocess.run(make_root, check=True)
            first.communicate(b"\n")

        install_privately(prefix, steps(prefix, "exit 1"), echo=finish_first)
    assert said == ["Another process is installing Pushpin here; waiting for it."]


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "kit").write_text("a file where the folder should be")
    with pytest.raises(MissingDependency) as caught:
        install_privately(tmp_path / "kit/pushpin", steps(tmp_path, ""), echo=lambda _: None)
    assert str(caught.value) == (
        f"Pushpin could not be installed into {tmp_path}/kit/pushpin: File exists ({tmp_path}/kit). "
        "Set REALTIME_KIT_HOME to a folder you may write to."
    )
