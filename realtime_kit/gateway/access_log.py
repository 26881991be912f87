"""What the gateway has noted of requests: one line for each, when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One line of the log.

    Attributes:
        consumer: Whose key it carried; empty for none.
        method: HTTP method.
        path: Path and query.
        status: Status of the answer.
        seconds: From its first byte to the last one of the answer.
        bytes: Size of the answer.
    """

    consumer: str
    method: str
    path: str
    status: int
    seconds: float
    bytes: int

    def __str__(self) -> str:
        who = self.consumer or "-"
        return f"{who:<6} {self.method:<4} {self.path:<14} {self.status}  {self.seconds:6.3f} s {self.bytes:>6,} bytes"


def read(path: Path, understand: Callable[[dict[str, Any]], LoggedRequest]) -> list[LoggedRequest]:
    """The whole lines of a log; nothing if there is none yet.

    Args:
        path: The log.
        understand: Makes a request of a line's JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [understand(json.loads(line)) for line in whole.splitlines()]
