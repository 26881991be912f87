"""What some lessons need besides Pushpin: databases, gateways, other languages. Found, versioned, installed."""

from realtime_kit.components.catalogue import BACKENDS, COMPONENTS, component, find, of_lessons
from realtime_kit.components.component import Component, Found, NodePackages, Program, PythonPackages
from realtime_kit.components.install import ComponentsPlan, plan

__all__ = [
    "BACKENDS",
    "COMPONENTS",
    "Component",
    "ComponentsPlan",
    "Found",
    "NodePackages",
    "Program",
    "PythonPackages",
    "component",
    "find",
    "of_lessons",
    "plan",
]
