"""Which of a lesson's components are here: what is not is told with its cure, and the lesson goes on without it."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_kit.components.catalogue import component
from realtime_kit.components.component import Found
from realtime_kit.errors import MissingDependency


@dataclass(frozen=True, slots=True, repr=False)
class Presence:
    """True if all that was asked for is here. In a notebook it says what it has found, or what to type.

    Attributes:
        found: What is here.
        missing: What is not, each with its cure.
    """

    found: tuple[Found, ...]
    missing: tuple[MissingDependency, ...]

    def __bool__(self) -> bool:
        return not self.missing

    def __repr__(self) -> str:
        if self:
            return ", ".join(f"{each.name} {each.version}" for each in self.found)
        return "\n".join(
            [*map(str, self.missing), "What needs it is passed over; the rest of this lesson runs."]
        )


def presence(*names: str) -> Presence:
    """Look for components on this machine.

    Args:
        names: Their names, as `realtime-kit doctor` has them.

    Raises:
        UsageError: if there is none of such a name.
    """
    found, missing = [], []
    for name in names:
        try:
            found.append(component(name).find())
        except MissingDependency as error:
            missing.append(error)
    return Presence(tuple(found), tuple(missing))
