"""The lab: wires the stages together for a notebook or a script.

Boards are imported when they are first used: a race needs neither matplotlib nor a notebook.
"""

from typing import TYPE_CHECKING

import lazy_loader

from realtime_kit.lab.fanout import FanoutSettings, afanout, fanout
from realtime_kit.lab.fanout_size import FanoutSize, fanout_size
from realtime_kit.lab.faults import FaultSettings, afaults, faults
from realtime_kit.lab.race import arace, race
from realtime_kit.lab.recovery import arecovery_times, recovery_times
from realtime_kit.lab.service import awatch, watch
from realtime_kit.lab.settings import TRANSPORTS, RaceSettings
from realtime_kit.lab.site import Site, serving
from realtime_kit.lab.watch_settings import WatchSettings
from realtime_kit.measurements import Progress

if TYPE_CHECKING:
    from realtime_kit.lab.boards import (
        choice_explorer,
        fanout_wall,
        polling_explorer,
        race_board,
        statistics_panel,
    )
    from realtime_kit.lab.chat_room import chat
    from realtime_kit.lab.comeback import comeback
    from realtime_kit.lab.doors import apublish_costs, publish_costs
    from realtime_kit.lab.fault_board import fault_board
    from realtime_kit.lab.id_timeline import id_timeline
    from realtime_kit.lab.idle_price import idle_price
    from realtime_kit.lab.microscope import long_poll_microscope
    from realtime_kit.lab.mishaps import aprovoke_flags, provoke_flags
    from realtime_kit.lab.prototype import export
    from realtime_kit.lab.stall import apublisher_slip, astalled_origin, publisher_slip, stalled_origin
    from realtime_kit.lab.timeline import history_timeline

__getattr__, _, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "boards": ["choice_explorer", "fanout_wall", "polling_explorer", "race_board", "statistics_panel"],
        "chat_room": ["chat"],
        "comeback": ["comeback"],
        "doors": ["apublish_costs", "publish_costs"],
        "fault_board": ["fault_board"],
        "id_timeline": ["id_timeline"],
        "idle_price": ["idle_price"],
        "microscope": ["long_poll_microscope"],
        "mishaps": ["aprovoke_flags", "provoke_flags"],
        "prototype": ["export"],
        "stall": ["apublisher_slip", "astalled_origin", "publisher_slip", "stalled_origin"],
        "timeline": ["history_timeline"],
    },
)

__all__ = [
    "TRANSPORTS",
    "FanoutSettings",
    "FanoutSize",
    "FaultSettings",
    "Progress",
    "RaceSettings",
    "Site",
    "WatchSettings",
    "afanout",
    "afaults",
    "aprovoke_flags",
    "apublish_costs",
    "apublisher_slip",
    "arace",
    "arecovery_times",
    "astalled_origin",
    "awatch",
    "chat",
    "choice_explorer",
    "comeback",
    "export",
    "fanout",
    "fanout_size",
    "fanout_wall",
    "fault_board",
    "faults",
    "history_timeline",
    "id_timeline",
    "idle_price",
    "long_poll_microscope",
    "polling_explorer",
    "provoke_flags",
    "publish_costs",
    "publisher_slip",
    "race",
    "race_board",
    "recovery_times",
    "serving",
    "stalled_origin",
    "statistics_panel",
    "watch",
]
