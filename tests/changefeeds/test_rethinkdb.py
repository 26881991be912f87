"""The feed of RethinkDB; Debian has no such server, so this runs where RETHINKDB_URL names one."""

import asyncio
import os
from contextlib import aclosing

import pytest

URL = os.environ.get("RETHINKDB_URL", "")


@pytest.mark.skipif(not URL, reason="RETHINKDB_URL is not set: the feed of RethinkDB was NOT tried")
def test_rows_come_first_and_then_changes() -> None:
    import yarl
    from rethinkdb import RethinkDB

    from realtime_kit.changefeeds.rethinkdb import RethinkFeed

    r, address = RethinkDB(), yarl.URL(URL)

    async def scenario() -> list[object]:
        async with asyncio.timeout(20), aclosing(RethinkFeed(URL, "rk_players").changes()) as changes:
            first = await anext(changes)
            with r.connect(address.host, address.port or 28015) as c:
                r.table("rk_players").get("ada").delete().run(c)
            return [first.key, (await anext(changes)).row]

    with r.connect(address.host, address.port or 28015) as c:
        r.table_create("rk_players").run(c)
        r.table("rk_players").insert({"id": "ada", "score": 1}).run(c)
        try:
            assert asyncio.run(scenario()) == ["ada", None]
        finally:
            r.table_drop("rk_players").run(c)
