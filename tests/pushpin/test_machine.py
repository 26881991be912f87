from pathlib import Path

import pytest

from realtime_kit.pushpin.machine import Machine, Way, inspect_machine, parse_candidate, private_prefix
from realtime_kit.pushpin.version import PushpinVersion


def linux(distro: str = "debian", release: str = "12", **facts: object) -> Machine:
    return Machine("Linux", Path("/home/me/kit/pushpin"), distro, release, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environ", "prefix"),
    [
        ({"REALTIME_KIT_HOME": "/kit", "XDG_DATA_HOME": "/data", "HOME": "/me"}, "/kit/pushpin"),
        ({"XDG_DATA_HOME": "/data", "HOME": "/me"}, "/data/realtime_kit/pushpin"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/me"}, "/me/.local/share/realtime_kit/pushpin"),
        ({"HOME": "/me"}, "/me/.local/share/realtime_kit/pushpin"),
    ],
)
def test_the_private_prefix_follows_the_environment(environ: dict[str, str], prefix: str) -> None:
    assert private_prefix(environ) == Path(prefix)


@pytest.mark.parametrize(
    ("machine", "way"),
    [
        (linux(has_apt=True, is_root=True), Way.APT),
        (linux(has_apt=True, has_sudo=True), Way.SUDO_APT),
        (linux(has_apt=True), Way.PRIVATE),
        (linux("debian", "13", has_apt=True, is_root=True), None),
        (linux("debian", "13", has_apt=True, offered=PushpinVersion(1, 41)), Way.PRIVATE),
        (linux("debian", "13", has_apt=True, has_brew=True), Way.HOMEBREW),
        (linux("linuxmint", "22", has_apt=True), Way.PRIVATE),
        (linux("debian", "10", has_apt=True, offered=PushpinVersion(1, 20)), None),
        (linux("fedora", "42"), None),
        (Machine("Darwin", Path("/p"), has_brew=True), Way.HOMEBREW),
        (Machine("Darwin", Path("/p")), None),
        (Machine("Windows", Path("/p")), None),
    ],
)
def test_the_least_surprising_way_that_can_work_is_taken(machine: Machine, way: Way | None) -> None:
    assert machine.way is way


ELSEWHERE = (
    "start Pushpin in Docker (image fanout/pushpin) and reach it with `Pushpin.attach(url, control_url)`, "
    "or open the notebooks in Binder."
)


@pytest.mark.parametrize(
    ("machine", "cure"),
    [
        (linux(has_apt=True), "Run `realtime-kit install-deps`."),
        (
            linux("debian", "13", has_apt=True),
            f"Debian 13 has no package of it that would do: {ELSEWHERE}",
        ),
        (linux("fedora", "42"), f"Neither apt nor Homebrew is here to install it: {ELSEWHERE}"),
        (
            Machine("Darwin", Path("/p")),
            f"Install Homebrew and run `realtime-kit install-deps`, {ELSEWHERE}",
        ),
        (
            Machine("Windows", Path("/p")),
            f"Pushpin does not run on Windows itself: run the kit in WSL, {ELSEWHERE}",
        ),
    ],
)
def test_every_platform_has_its_cure(machine: Machine, cure: str) -> None:
    assert machine.cure == cure


def test_what_apt_offers_counts_more_than_what_the_release_is_known_for() -> None:
    assert linux(offered=PushpinVersion(1, 41)).packaged == PushpinVersion(1, 41)


def test_what_the_release_is_known_for_stands_in_for_lists_never_fetched() -> None:
    assert linux("ubuntu", "24.04").packaged == PushpinVersion(1, 38)


@pytest.mark.parametrize(
    ("candidate", "version"),
    [
        ("1.36.0-2", PushpinVersion(1, 36)),
        ("1.38.0-4build3", PushpinVersion(1, 38)),
        ("1:1.41.0-7", PushpinVersion(1, 41)),
        ("(none)", None),
    ],
)
def test_the_candidate_is_read_from_apts_policy(candidate: str, version: PushpinVersion | None) -> None:
    policy = f"pushpin:\n  Installed: (none)\n  Candidate: {candidate}\n  Version table:\n"
    assert parse_candidate(policy) == version


def test_a_package_apt_never_heard_of_is_not_offered() -> None:
    assert parse_candidate("") is None


def test_a_machine_without_tools_has_no_way(tmp_path: Path) -> None:
    machine = inspect_machine({"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert (machine.has_apt, machine.has_brew, machine.has_sudo, machine.way) == (False, False, False, None)
