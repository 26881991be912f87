"""Boards: live pictures with controls, for notebooks. They need the extra `notebooks`; only they import ipywidgets."""

from realtime_kit.plots.widgets.board import Board
from realtime_kit.plots.widgets.browser_client import BrowserClient
from realtime_kit.plots.widgets.browser_receipt import BrowserReceipt
from realtime_kit.plots.widgets.chat_board import ChatBoard
from realtime_kit.plots.widgets.choice_explorer import ChoiceExplorer
from realtime_kit.plots.widgets.fanout_wall import FanoutWall
from realtime_kit.plots.widgets.live_picture import FrameCost, LivePicture
from realtime_kit.plots.widgets.polling_explorer import PollingExplorer
from realtime_kit.plots.widgets.polling_view import PollingSettings
from realtime_kit.plots.widgets.predictions import Api
from realtime_kit.plots.widgets.race_board import RaceBoard
from realtime_kit.plots.widgets.race_view import Course
from realtime_kit.plots.widgets.statistics_panel import StatisticsPanel
from realtime_kit.plots.widgets.wall_view import Audience

__all__ = [
    "Api",
    "Audience",
    "Board",
    "BrowserClient",
    "BrowserReceipt",
    "ChatBoard",
    "ChoiceExplorer",
    "Course",
    "FanoutWall",
    "FrameCost",
    "LivePicture",
    "PollingExplorer",
    "PollingSettings",
    "RaceBoard",
    "StatisticsPanel",
]
