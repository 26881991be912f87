"""What a gateway asks of requests and does with answers, whichever program it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from realtime_kit.errors import UsageError

KEY_HEADER = "apikey"
"""The header that a key is looked for in; Kong's own choice."""

_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class GatewayPolicy:
    """The policy of a gateway.

    Attributes:
        keys: Consumers and their API keys; empty asks nobody for one.
        requests_per_second: How many requests of one consumer (of one address, without keys) pass; 0 is any number.
        burst: How many more pass at once.
        buffering: Whether answers are collected before they are passed on.
        http_version: In which HTTP it asks what is behind it, "1.1" or "1.0". WebSockets need 1.1.
        read_timeout_s: How long the next bytes of an answer are waited for.

    Raises:
        UsageError: if a value is outside what is allowed.
    """

    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    requests_per_second: int = 0
    burst: int = 0
    buffering: bool = False
    http_version: str = "1.1"
    read_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        keys: object = self.keys
        if not isinstance(keys, Mapping):
            message = f"keys is {keys!r}: it is a dict of consumers and their keys"
            raise UsageError(message)
        for word in (*keys, *keys.values()):
            if not (isinstance(word, str) and _WORD.fullmatch(word)):
                message = f"keys has {word!r}: names and keys are 1 to 64 letters, digits, _ and -"
                raise UsageError(message)
        if len(set(self.keys.values())) < len(self.keys):
            message = "keys gives one key to two consumers: nobody could tell who it is"
            raise UsageError(message)
        counts: dict[str, object] = {"requests_per_second": self.requests_per_second, "burst": self.burst}
        for name, count in counts.items():
            if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 100_000:
                message = f"{name} is {count!r}: it is a whole number from 0 to 100,000"
                raise UsageError(message)
        if self.burst and not self.requests_per_second:
            message = (
                f"burst is {self.burst}, but requests_per_second is 0: without a limit there is no burst"
            )
            raise UsageError(message)
        timeout_s: object = self.read_timeout_s
        if not (isinstance(timeout_s, int | float) and 0.001 <= timeout_s <= 86_400):
            message = f"read_timeout_s is {timeout_s!r}: it is a time from 0.001 to 86,400 seconds"
            raise UsageError(message)
        if self.http_version not in ("1.0", "1.1"):
            message = f"http_version is {self.http_version!r}: it is '1.0' or '1.1'"
            raise UsageError(message)
        object.__setattr__(self, "keys", MappingProxyType(dict(keys)))
