"""Every component of the lessons."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from realtime_kit.components.component import Component, Found, NodePackages, Program, PythonPackages
from realtime_kit.errors import UsageError

BACKENDS = Path(__file__).parents[2] / "notebooks" / "backends"


def _express() -> Path | None:
    folder = BACKENDS / "express"
    return folder if folder.is_dir() else None


LAST_LESSON = 16

RUNTIMES = PythonPackages(
    name="serverless",
    title="Serverless runtimes of Google and AWS",
    lessons=(12,),
    extra="serverless",
    least=MappingProxyType({"functions-framework": "3.8", "awslambdaric": "3.0"}),
)
"""Lesson 12's two runtimes, of which each can be had alone."""

COMPONENTS: tuple[Component, ...] = (
    PythonPackages(
        name="django",
        title="Django with django-eventstream",
        lessons=(10,),
        extra="django",
        least=MappingProxyType({"django": "5.1", "django-eventstream": "5.3", "psycopg": "3.2"}),
    ),
    Program(
        name="postgresql",
        title="PostgreSQL",
        lessons=(10, 11),
        program="postgres",
        least="13.0",
        folders=("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin"),
        apt=("postgresql",),
        services=("postgresql.service",),
        brew="postgresql",
    ),
    PythonPackages(
        name="psycopg",
        title="PostgreSQL's driver for Python",
        lessons=(11,),
        extra="postgresql",
        least=MappingProxyType({"psycopg": "3.2"}),
    ),
    RUNTIMES,
    Program(
        name="node",
        title="Node.js",
        lessons=(13,),
        program="node",
        least="18.0",
        apt=("nodejs",),
        brew="node",
    ),
    Program(
        name="npm",
        title="npm",
        lessons=(13,),
        program="npm",
        least="8.0",
        apt=("npm",),
        brew="node",
    ),
    NodePackages(
        name="express",
        title="Express with serve-grip",
        lessons=(13,),
        folder=_express,
        package="express",
    ),
    Program(
        name="nginx",
        title="nginx",
        lessons=(14,),
        program="nginx",
        least="1.18",
        version_option="-v",
        folders=("/usr/sbin", "/usr/local/sbin"),
        apt=("nginx",),
        services=("nginx.service",),
        brew="nginx",
    ),
    Program(
        name="kong",
        title="Kong",
        lessons=(14,),
        optional=True,
        program="kong",
        least="3.3",  # the first to say when it is ready
        version_option="version",
        elsewhere="Kong's own packages are listed at https://developer.konghq.com/gateway/install/.",
    ),
)


LESSON_NAMES = MappingProxyType(
    {"django": 10, "leaderboard": 11, "serverless": 12, "express": 13, "gateway": 14}
)
"""The lessons that have a component, as they can be called."""


def component(name: str) -> Component:
    """The component of that name.

    Raises:
        UsageError: if there is none; the text lists them.
    """
    for each in COMPONENTS:
        if each.name == name:
            return each
    message = f"there is no component {name!r}; there are {', '.join(each.name for each in COMPONENTS)}"
    raise UsageError(message)


def find(name: str) -> Found:
    """Look for a component on this machine.

    Raises:
        UsageError: if there is none of that name.
        MissingDependency: if it is not here, too old, or does not run; the cure says what to type.
    """
    return component(name).find()


def of_lessons(*wanted: str) -> tuple[Component, ...]:
    """What these lessons need besides Pushpin; nothing for those that need nothing else.

    Args:
        wanted: Lessons by number or name; `all` is each of them.

    Raises:
        UsageError: for what is neither; the text lists the names.
    """
    numbers = {number for each in wanted for number in _numbers_of(each)}
    return tuple(each for each in COMPONENTS if numbers.intersection(each.lessons))


def _numbers_of(wanted: str) -> tuple[int, ...]:
    if wanted == "all":
        return tuple(number for each in COMPONENTS for number in each.lessons)
    if wanted in LESSON_NAMES:
        return (LESSON_NAMES[wanted],)
    if wanted.isdecimal() and int(wanted) <= LAST_LESSON:
        return (int(wanted),)
    message = (
        f"there is no lesson {wanted!r}: give a number from 0 to {LAST_LESSON}, "
        f"{', '.join(LESSON_NAMES)} or all"
    )
    raise UsageError(message)
