"""What some lessons need besides Pushpin: databases, gateways, other languages. Found, versioned, installed."""

from realtime_kit.components.catalogue import BACKENDS, COMPONENTS, RUNTIMES, component, find, of_lessons
from realtime_kit.components.component import Component, Found, NodePackages, Program, PythonPackages
from realtime_kit.components.install import ComponentsPlan, plan
from realtime_kit.components.presence import Presence, presence

__all__ = [
    "BACKENDS",
    "COMPONENTS",
    "RUNTIMES",
    "Component",
    "ComponentsPlan",
    "Found",
    "NodePackages",
    "Presence",
    "Program",
    "PythonPackages",
    "component",
    "find",
    "of_lessons",
    "plan",
    "presence",
]
