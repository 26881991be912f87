"""The other form of a GRIP instruction: JSON in the body of the answer, as gripcontrol's `create_hold` makes it."""

from __future__ import annotations

import json

from realtime_kit.taps.x_ray.body import SHOWN_CHARACTERS, shorten
from realtime_kit.taps.x_ray.message import Instruction, Pairs

CONTENT_TYPE = "application/grip-instruct"


def read(body: bytes | None) -> tuple[Instruction | None, Pairs, str]:
    """An instruction in a body.

    Args:
        body: JSON; None if it was too long to keep.

    Returns:
        What it tells Pushpin, details, and the text of the response inside; None if it cannot be read.
    """
    try:
        found = json.loads(body or b"")
        hold = found["hold"]
        channels = tuple(str(channel["name"]) for channel in hold["channels"])
        text = str(found.get("response", {}).get("body", ""))
        told = (("hold", json.dumps(hold, ensure_ascii=False)),)
        return Instruction(str(hold["mode"]), channels), told, shorten(text, SHOWN_CHARACTERS)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None, (("problem", "no instruction that can be read"),), ""
