"""Changefeeds: what changes in a table, from whoever changes it, in order and from any position.

from realtime_kit.changefeeds import SqliteFeed

feed = SqliteFeed("game.db", "players", key="name")
async for change in feed.changes(after=""):
    print(change.position, change.key, change.row)
"""

from realtime_kit.changefeeds.change import BEGINNING, Change, ChangeFeed
from realtime_kit.changefeeds.sqlite import SqliteFeed

__all__ = ["BEGINNING", "Change", "ChangeFeed", "SqliteFeed"]
