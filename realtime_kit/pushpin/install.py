"""How Pushpin gets onto a machine: first a plan, as text a person can read, then the plan carried out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from realtime_kit.errors import MissingDependency, PushpinBroken, UsageError
from realtime_kit.pushpin.find import Installation, find_pushpin
from realtime_kit.pushpin.machine import Machine, Way, inspect_machine
from realtime_kit.pushpin.private_prefix import install_privately, private_steps
from realtime_kit.pushpin.step import Step, run_steps


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What it takes to have Pushpin here.

    Attributes:
        way: How Pushpin would get here; None if it is here.
        steps: The commands, in order; none if there is nothing to do.
        prefix: Where packages are to be unpacked; None for the ways that install system-wide.
        installed: The Pushpin that is here already, or None.
    """

    way: Way | None
    steps: tuple[Step, ...] = ()
    prefix: Path | None = None
    installed: Installation | None = None

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person has to agree first, because commands run with rights beyond their own."""
        return any(step.argv[0] == "sudo" for step in self.steps)

    def __str__(self) -> str:
        if self.way is None:
            return f"Nothing to do: {self.installed}."
        lines = [f"Pushpin can be installed {self.way.value}:"]
        for number, step in enumerate(self.steps, start=1):
            lines += [f"{number}. {step.why}", f"   $ {step}"]
        return "\n".join(lines)


def plan_here(*, environ: Mapping[str, str] = os.environ) -> InstallPlan:
    """The plan for this machine. Where Pushpin is in place this takes some milliseconds.

    Raises:
        MissingDependency: No way works here, or REALTIME_KIT_PUSHPIN names what is not there.
        PushpinBroken: REALTIME_KIT_PUSHPIN names something that is not a working Pushpin.
    """
    try:
        return InstallPlan(None, installed=find_pushpin(environ=environ))
    except (MissingDependency, PushpinBroken):
        if environ.get("REALTIME_KIT_PUSHPIN"):  # it would go on hiding whatever is installed
            raise
    return plan(inspect_machine(environ))


def plan(machine: Machine) -> InstallPlan:
    """The plan for a machine without Pushpin.

    To leave sudo out, as when a person said no, plan for `dataclasses.replace(machine, has_sudo=False)`.

    Raises:
        MissingDependency: No way works there; the cure says what does.
    """
    match machine.way:
        case Way.APT:
            steps = _apt_steps(machine)
        case Way.SUDO_APT:
            steps = tuple(Step(("sudo", *step.argv), step.why, step.required) for step in _apt_steps(machine))
        case Way.PRIVATE:
            steps = private_steps(machine.prefix, _packages(machine))
            return InstallPlan(Way.PRIVATE, steps, machine.prefix)
        case Way.HOMEBREW:
            steps = (Step(("brew", "install", "pushpin"), "Install Pushpin and what it needs."),)
        case None:
            raise MissingDependency("Pushpin cannot be installed here.", machine.cure)
    return InstallPlan(machine.way, steps)


def execute(
    install_plan: InstallPlan,
    *,
    echo: Callable[[str], None] = print,
    confirmed: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Installation:
    """Carry out a plan; returns the Pushpin that is there now.

    Args:
        install_plan: From `plan_here` or `plan`.
        echo: Takes each reason and command line before it runs.
        confirmed: Whether a person agreed to the plan; only sudo needs it.
        environ: Where `find_pushpin` looks afterwards.

    Raises:
        UsageError: The plan needs a confirmation and has none.
        MissingDependency: A command failed (its last lines are in the text), or Pushpin is still not found.
        PushpinBroken: What was installed does not run.
    """
    if install_plan.installed is not None:
        return install_plan.installed
    if install_plan.needs_confirmation and not confirmed:
        message = f"Commands with sudo need your agreement: pass --yes, or run them yourself.\n{install_plan}"
        raise UsageError(message)
    if install_plan.prefix is not None:
        return install_privately(install_plan.prefix, install_plan.steps, echo=echo)
    run_steps(install_plan.steps, echo=echo)
    return find_pushpin(environ=environ)


def _apt_steps(machine: Machine) -> tuple[Step, ...]:
    steps = []
    if machine.offered is None:
        # Without the option apt-get reports success even when it reached no server at all.
        update = ("apt-get", "-o", "APT::Update::Error-Mode=any", "update")
        steps.append(Step(update, "Fetch apt's package lists: they have no Pushpin yet.", required=False))
    if machine.new_services:
        # The packages start their services, on Pushpin's default ports, as they are installed. systemd takes
        # no hint from the environment, and policy-rc.d speaks for every package: not ours to write.
        steps.append(
            Step(
                ("systemctl", "mask", *machine.new_services),
                "Keep the packages' services from starting; the kit starts a Pushpin of its own "
                "(`systemctl unmask` takes this back).",
                required=False,
            )
        )
    # RUNLEVEL=1 (single user) tells the same to invoke-rc.d under any other init system.
    quietly = ("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
    command = (*quietly, "apt-get", "install", "-y", "--no-install-recommends", *_packages(machine))
    return (*steps, Step(command, "Install Pushpin and what it needs."))


def _packages(machine: Machine) -> tuple[str, ...]:
    """Packages to name to apt; of a release unknown to the kit, its dependencies have to do."""
    return ("pushpin",) if machine.packaged is None else machine.packaged.apt_packages
