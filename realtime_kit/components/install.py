"""How the components of a lesson get onto a machine: one plan for all that is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realtime_kit.components.component import Component, NodePackages, Program, PythonPackages
from realtime_kit.errors import MissingDependency
from realtime_kit.pushpin.machine import Machine
from realtime_kit.pushpin.step import Step

QUIETLY = ("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
"""RUNLEVEL=1, single user, tells invoke-rc.d to start no services of the packages."""


@dataclass(frozen=True, slots=True)
class ComponentsPlan:
    """What it takes to have some components here.

    Attributes:
        missing: Those that are not here.
        steps: The commands, in order.
        beyond: What cannot be installed here, each with its cure.
    """

    missing: tuple[Component, ...]
    steps: tuple[Step, ...]
    beyond: tuple[MissingDependency, ...] = ()

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person has to agree first, because commands run with rights beyond their own."""
        return any(step.argv[0] == "sudo" for step in self.steps)

    def __str__(self) -> str:
        if not self.missing:
            return "Nothing to do: every component is here."
        lines = [f"Missing: {', '.join(each.title for each in self.missing)}."]
        for number, step in enumerate(self.steps, start=1):
            lines += [f"{number}. {step.why}", f"   $ {step}"]
        return "\n".join([*lines, *map(str, self.beyond)])


def plan(components: Iterable[Component], machine: Machine) -> ComponentsPlan:
    """A plan for those of the components that are not on this machine; optional ones are left out."""
    missing = tuple(each for each in components if not each.optional and not _is_here(each))
    programs = [each for each in missing if isinstance(each, Program)]
    steps, beyond = _programs(programs, machine)
    for each in missing:
        if isinstance(each, PythonPackages):
            steps.append(each.step)
        elif isinstance(each, NodePackages):
            step = each.step()
            if step is None:
                what = f"{each.title} belongs beside the notebooks, and they are not here."
                beyond.append(MissingDependency(what, "Run this in a clone of the repository."))
            else:
                steps.append(step)
    return ComponentsPlan(missing, tuple(steps), tuple(beyond))


def _is_here(component: Component) -> bool:
    try:
        component.find()
    except MissingDependency:
        return False
    return True


def _programs(programs: list[Program], machine: Machine) -> tuple[list[Step], list[MissingDependency]]:
    if not programs:
        return [], []
    titles = ", ".join(each.title for each in programs)
    if machine.has_apt and (machine.is_root or machine.has_sudo):
        sudo = () if machine.is_root else ("sudo",)
        packages = [package for each in programs for package in each.apt]
        install = ("apt-get", "install", "-y", "--no-install-recommends", *packages)
        steps = [
            Step((*sudo, "apt-get", "update"), "Refresh apt's package lists.", required=False),
            Step((*sudo, *QUIETLY, *install), f"Install {titles}."),
        ]
        if machine.has_systemd:
            services = [service for each in programs for service in each.services]
            mask = Step(
                (*sudo, "systemctl", "mask", *services),
                "Keep the packages' services from starting; the kit starts its own "
                "(`systemctl unmask` takes this back).",
                required=False,
            )
            steps[1:1] = [mask] if services else []
        return steps, []
    if machine.has_brew:
        formulas = dict.fromkeys(each.brew for each in programs)
        return [Step(("brew", "install", *formulas), f"Install {titles}.")], []
    if machine.has_apt:
        packages = [package for each in programs for package in each.apt]
        cure = f"Ask whoever administers this machine for: apt-get install {' '.join(packages)}"
    else:
        cure = "Neither apt nor Homebrew is here: install them in this system's own way, so that they are on the path."
    return [], [MissingDependency(f"To install {titles} takes the rights of root, or Homebrew.", cure)]
