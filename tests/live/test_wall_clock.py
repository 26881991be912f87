"""What Pushpin does when the wall clock of its machine is put forward or back; and that it is really told so."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Protocol

import aiohttp
import jwt
import pytest
from aiohttp import web

from realtime_kit import background
from realtime_kit.lab.scenarios import STEP_S
from realtime_kit.origin import OriginServer
from realtime_kit.pushpin import Pushpin, routes_to
from realtime_kit.pushpin.version import PushpinVersion
from realtime_kit.taps.wall_clock import WallClock

pytestmark = [pytest.mark.live, pytest.mark.wall_clock, pytest.mark.usefixtures("nothing_left_behind")]

NO_ANSWER_S = 1.0
"""An answer takes some milliseconds."""


FIRST_BY_WALL_CLOCK = PushpinVersion(1, 33, 0)
"""Whose timers go by the wall clock."""


class Answer(Protocol):
    """What asks Pushpin, and gives the moment until which the signature was valid that the origin received."""

    async def __call__(self) -> float: ...


@contextlib.asynccontextmanager
async def asked() -> AsyncIterator[tuple[Pushpin, WallClock, Answer]]:
    async def sign(request: web.Request) -> web.Response:
        options = {"verify_exp": False}
        claims = jwt.decode(request.headers["Grip-Sig"], pushpin.sig_key, ["HS256"], options=options)
        return web.json_response(claims["exp"])

    async def ask() -> float:
        async with aiohttp.ClientSession() as session, session.get(pushpin.url / "sign") as answer:
            return float(await answer.json())

    app = web.Application()
    app.router.add_get("/sign", sign)
    with WallClock() as clock:
        async with OriginServer(app) as origin:
            pushpin = Pushpin(routes_to(origin.port), environ=clock.environment)
            async with pushpin:
                yield pushpin, clock, ask


@pytest.mark.parametrize("step_s", [5, -5, STEP_S])
def test_signatures_move_with_the_clock(step_s: int) -> None:
    async def main() -> None:
        async with asked() as (_, clock, ask):
            begun_s = time.monotonic()
            before = await ask()
            clock.step(step_s)
            moved_s = await ask() - before
            passed_s = time.monotonic() - begun_s
            assert step_s <= moved_s <= step_s + passed_s + 1  # they tell whole seconds

    background.run(main())


def test_put_back_for_longer_than_a_request_may_take_it_answers_nobody_until_it_is_restarted(
    version: PushpinVersion,
) -> None:
    async def main() -> None:
        async with asked() as (pushpin, clock, ask):
            before = await ask()
            clock.step(-STEP_S)
            goes_by_it = version >= FIRST_BY_WALL_CLOCK
            with pytest.raises(TimeoutError) if goes_by_it else contextlib.nullcontext():
                await asyncio.wait_for(ask(), NO_ANSWER_S)
            await pushpin.arestart()
            assert await ask() < before

    background.run(main())
