"""The lab: wires the stages together for a notebook or a script."""

from realtime_kit.lab.race import Progress, arace, race
from realtime_kit.lab.settings import TRANSPORTS, RaceSettings
from realtime_kit.lab.site import Site, serving

__all__ = ["TRANSPORTS", "Progress", "RaceSettings", "Site", "arace", "race", "serving"]
