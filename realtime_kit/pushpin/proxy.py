"""What an embedded Pushpin and one that runs elsewhere have in common: two addresses, a key, publishing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pubcontrol import Item
from yarl import URL

from realtime_kit import background
from realtime_kit.publisher import HttpPublisher, text_item


class Proxy(ABC):
    """A Pushpin to send clients to and to publish through."""

    @property
    @abstractmethod
    def url(self) -> URL:
        """Address for clients, such as `http://127.0.0.1:7999`; `pushpin.url / "news"` is one below it."""

    @property
    @abstractmethod
    def control_url(self) -> str:
        """Address of its publish port."""

    @property
    @abstractmethod
    def sig_key(self) -> bytes | None:
        """Key with which it signs `Grip-Sig`; None if unknown."""

    def publisher_options(self) -> dict[str, Any]:
        """Arguments with which an `HttpPublisher` reaches it, from this process or another."""
        return {"control_url": self.control_url}

    def publisher(self) -> HttpPublisher:
        """A new publisher, to use with `async with` on any loop; for many events, or errors one by one."""
        return HttpPublisher(**self.publisher_options())

    def publish(self, channel: str, item: Item | str) -> None:
        """Publish one item and wait until Pushpin has accepted it.

        Args:
            channel: Channel name.
            item: A text, which reaches every transport as its own kind of message (an event on a stream, a
                body on a long-poll, a message on a WebSocket), or a gripcontrol `Item`.

        Raises:
            PublishError: if Pushpin refuses it or cannot be reached.
        """
        background.run(self._publish(channel, item))

    async def apublish(self, channel: str, item: Item | str) -> None:
        """Like `publish`, for coroutines."""
        await background.arun(self._publish(channel, item))

    async def _publish(self, channel: str, item: Item | str) -> None:
        # A publisher kept open would save 0.1 of 0.7 ms, and would have to be looked after.
        async with self.publisher() as publisher:
            await publisher.publish(channel, text_item(item) if isinstance(item, str) else item)
