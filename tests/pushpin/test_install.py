from dataclasses import replace
from pathlib import Path

import pytest

from realtime_kit.errors import MissingDependency, PushpinBroken, UsageError
from realtime_kit.pushpin import find, install
from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.install import InstallPlan, execute, plan, plan_here
from realtime_kit.pushpin.machine import Machine, Way
from realtime_kit.pushpin.step import Step
from realtime_kit.pushpin.version import PushpinVersion

BOOKWORM = Machine(
    "Linux", Path("/home/me/kit/pushpin"), "debian", "12", has_apt=True, offered=PushpinVersion(1, 36)
)
NOBLE = replace(BOOKWORM, distro="ubuntu", release="24.04", offered=PushpinVersion(1, 38))
THERE = Installation(Path("/usr/bin/pushpin"), PushpinVersion(1, 36), None, "PATH")


def test_as_root_on_debian_12_it_takes_one_command() -> None:
    assert str(plan(replace(BOOKWORM, is_root=True))) == (
        "Pushpin can be installed with apt, as root:\n"
        "1. Install Pushpin and what it needs.\n"
        "   $ env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "
        "pushpin condure zurl"
    )


def test_in_a_container_without_package_lists_they_are_fetched_first() -> None:
    assert str(plan(replace(BOOKWORM, is_root=True, offered=None))) == (
        "Pushpin can be installed with apt, as root:\n"
        "1. Fetch apt's package lists: they have no Pushpin yet.\n"
        "   $ apt-get -o APT::Update::Error-Mode=any update\n"
        "2. Install Pushpin and what it needs.\n"
        "   $ env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "
        "pushpin condure zurl"
    )


def test_through_sudo_under_systemd_the_packages_services_are_kept_off() -> None:
    machine = replace(NOBLE, has_sudo=True, new_services=("pushpin.service", "zurl.service"))
    assert str(plan(machine)) == (
        "Pushpin can be installed with apt, through sudo:\n"
        "1. Keep the packages' services from starting; the kit starts a Pushpin of its own "
        "(`systemctl unmask` takes this back).\n"
        "   $ sudo systemctl mask pushpin.service zurl.service\n"
        "2. Install Pushpin and what it needs.\n"
        "   $ sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "
        "pushpin zurl"
    )


def test_without_root_packages_are_unpacked_into_the_kits_folder() -> None:
    assert str(plan(BOOKWORM)) == (
        "Pushpin can be installed without root, in a folder of the kit's own:\n"
        "1. Fetch package lists into the kit's own folder.\n"
        "   $ apt-get -c /home/me/kit/pushpin.partial/apt.conf update\n"
        "2. Download Pushpin and every library it needs (about 30 MB).\n"
        "   $ apt-get -c /home/me/kit/pushpin.partial/apt.conf install -y --download-only "
        "--no-install-recommends pushpin condure zurl\n"
        "3. Unpack them there (about 100 MB); nothing on the system is changed.\n"
        '   $ sh -ec \'for deb in "$1"/*.deb; do dpkg -x "$deb" "$2"; done\' sh '
        "/home/me/kit/pushpin.partial/apt/cache/archives /home/me/kit/pushpin.partial/root\n"
        "4. Give the folder its final name, once the Pushpin in it has answered `--version`.\n"
        "   $ mv -T /home/me/kit/pushpin.partial/root /home/me/kit/pushpin"
    )


def test_on_a_mac_homebrew_does_it() -> None:
    assert str(plan(Machine("Darwin", Path("/p"), has_brew=True))) == (
        "Pushpin can be installed with Homebrew:\n"
        "1. Install Pushpin and what it needs.\n"
        "   $ brew install pushpin"
    )


@pytest.mark.parametrize(
    ("machine", "packages"),
    [
        (BOOKWORM, ["pushpin", "condure", "zurl"]),
        (NOBLE, ["pushpin", "zurl"]),
        (replace(BOOKWORM, distro="ubuntu", release="26.04", offered=None), ["pushpin"]),
        (replace(BOOKWORM, distro="linuxmint", release="22", offered=None), ["pushpin"]),
    ],
)
def test_packages_are_named_as_the_release_divides_them(machine: Machine, packages: list[str]) -> None:
    *_, install_step = plan(replace(machine, is_root=True)).steps
    command = list(install_step.argv)
    assert command[command.index("--no-install-recommends") + 1 :] == packages


@pytest.mark.parametrize(
    ("machine", "cure"),
    [
        (replace(BOOKWORM, release="13", offered=None), "Debian 13 has no package of it that would do: "),
        (Machine("Linux", Path("/p"), "fedora", "42"), "Neither apt nor Homebrew is here to install it: "),
        (Machine("Darwin", Path("/p")), "Install Homebrew and run `realtime-kit install-deps`, "),
        (Machine("Windows", Path("/p")), "Pushpin does not run on Windows itself: run the kit in WSL, "),
    ],
)
def test_where_no_way_works_the_cure_leads_elsewhere(machine: Machine, cure: str) -> None:
    with pytest.raises(MissingDependency, match=r"^Pushpin cannot be installed here\.") as caught:
        plan(machine)
    assert caught.value.cure == (
        f"{cure}start Pushpin in Docker (image fanout/pushpin) and reach it with "
        "`Pushpin.attach(url, control_url)`, or open the notebooks in Binder."
    )


def test_where_pushpin_is_there_the_plan_is_empty_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "find_pushpin", lambda **_: THERE)
    found = plan_here()
    assert found.steps == ()
    assert str(found) == "Nothing to do: Pushpin 1.36.0 at /usr/bin/pushpin (from: PATH)."


def test_a_wrong_variable_is_an_error_no_installation_can_cure(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="REALTIME_KIT_PUSHPIN"):
        plan_here(environ={"REALTIME_KIT_PUSHPIN": str(tmp_path / "no")})


def test_where_pushpin_is_missing_the_plan_is_made_from_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "cure_for_platform", lambda _: "")
    monkeypatch.setattr(install, "inspect_machine", lambda _: BOOKWORM)
    assert plan_here(environ={"PATH": "", "REALTIME_KIT_HOME": str(tmp_path)}) == plan(BOOKWORM)


def test_executing_an_empty_plan_runs_nothing() -> None:
    assert execute(InstallPlan(None, installed=THERE), echo=pytest.fail) is THERE


def test_sudo_waits_for_an_agreement() -> None:
    with pytest.raises(UsageError, match=r"Commands with sudo need your agreement: pass --yes") as caught:
        execute(plan(replace(BOOKWORM, has_sudo=True)), echo=pytest.fail)
    assert "$ sudo env" in str(caught.value)


@pytest.mark.parametrize("machine", [BOOKWORM, replace(BOOKWORM, is_root=True)])
def test_without_sudo_nobody_needs_to_agree(machine: Machine) -> None:
    assert not plan(machine).needs_confirmation


def test_after_the_steps_the_pushpin_they_installed_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "find_pushpin", lambda **_: THERE)
    said: list[str] = []
    assert execute(InstallPlan(Way.APT, (Step(("true",), "Install."),)), echo=said.append) is THERE
    assert said == ["Install.\n  $ true"]


def test_steps_that_end_without_a_pushpin_are_not_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> Installation:
        message = "It lacks a part."
        raise PushpinBroken(message)

    monkeypatch.setattr(install, "find_pushpin", broken)
    with pytest.raises(PushpinBroken):
        execute(InstallPlan(Way.APT, (Step(("true",), "Install."),)), echo=lambda _: None)
