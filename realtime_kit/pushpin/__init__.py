"""Third stage: the real proxy. Found, configured, started, watched and stopped, or attached to."""

from realtime_kit.pushpin.attached import AttachedPushpin
from realtime_kit.pushpin.cluster import PushpinCluster
from realtime_kit.pushpin.config import PushpinSettings
from realtime_kit.pushpin.embedded import Pushpin, State
from realtime_kit.pushpin.find import Installation, find_pushpin
from realtime_kit.pushpin.proxy import Proxy
from realtime_kit.pushpin.routes import Route, routes_to
from realtime_kit.pushpin.statistics import Statistics
from realtime_kit.pushpin.version import PushpinVersion

__all__ = [
    "AttachedPushpin",
    "Installation",
    "Proxy",
    "Pushpin",
    "PushpinCluster",
    "PushpinSettings",
    "PushpinVersion",
    "Route",
    "State",
    "Statistics",
    "find_pushpin",
    "routes_to",
]
