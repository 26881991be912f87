"""A tap: a wire whose connections are decoded as they go by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, Self

from realtime_kit import background
from realtime_kit.errors import ProtocolError
from realtime_kit.taps.x_ray.dialogue import Dialogue, Utterance
from realtime_kit.taps.x_ray.journal import Journal
from realtime_kit.taps.x_ray.telling import Told
from realtime_kit.taps.x_ray.wire import HOST, Wire


class Recorder(Protocol):
    """Where taps of one leg write down what they see.

    Attributes:
        journal: Takes what is to be decoded, in the order in which it was seen.
    """

    journal: Journal

    def next_connection(self) -> int:
        """The number of a new connection."""

    def next_exchange(self) -> int:
        """The number of a new request."""

    def record(self, utterance: Utterance, *, connection: int, at_ns: int) -> None:
        """Write one thing down."""


class Tap:
    """Listens on a port of its own and passes everything on to another. Made by `XRay.tap`.

    Works on the kit's own thread, with `with` as well as with `async with`; nothing of it is left afterwards.
    It costs each message about a tenth of a millisecond and is for looking, not for load: measure without it.

    Args:
        recorder: Where to write down what is seen.
        target: Host and port to pass everything on to.
        publishes: Whether it is the way to Pushpin's publish port.
        host: Address to listen on.
        port: Port to listen on; 0 is a free one.

    Raises:
        UsageError: on entering, if the port cannot be had.
    """

    def __init__(
        self,
        recorder: Recorder,
        target: tuple[str, int],
        *,
        publishes: bool = False,
        host: str = HOST,
        port: int = 0,
    ) -> None:
        self._wire = Wire(target, lambda: _Conversation(recorder, publishes), host=host, port=port)
        self._journal = recorder.journal
        self._lease: background.Lease | None = None

    @property
    def port(self) -> int:
        """Where it listens, once entered."""
        return self._wire.port

    def __enter__(self) -> Self:
        try:
            return background.run(self._start())
        except BaseException:  # an interrupt may come when it listens and has not been handed over
            background.run(self._stop())
            raise

    def __exit__(self, *_: object) -> None:
        background.run(self._stop())

    async def __aenter__(self) -> Self:
        try:
            return await background.arun(self._start())
        except BaseException:
            await background.arun(self._stop())
            raise

    async def __aexit__(self, *_: object) -> None:
        await background.arun(self._stop())

    async def _start(self) -> Self:
        self._lease = background.Lease(lambda: background.run(self._stop()))
        await self._wire.__aenter__()
        return self

    async def _stop(self) -> None:
        lease, self._lease = self._lease, None
        if lease is None or lease.inherited:  # in a fork, the wire is the parent's
            return
        try:
            await self._wire.__aexit__()
            self._journal.stop()
        finally:
            lease.end()


class _Conversation:
    """Hears one connection and has it written down, until something comes that is not understood."""

    def __init__(self, recorder: Recorder, publishes: bool) -> None:
        self._recorder = recorder
        self._note = recorder.journal.note
        self._connection = recorder.next_connection()
        self._dialogue: Dialogue | None = Dialogue(recorder.next_exchange, publishes=publishes)
        self._misunderstood: int | None = None  # the exchange
        self._is_closed = False

    def opened(self, *, at_ns: int) -> None:
        utterance = Utterance(True, Told("opened", "opens a connection"), None)
        self._note(lambda: self._record(utterance, at_ns))

    def received(self, data: bytes, *, from_opener: bool, at_ns: int) -> None:
        def decode() -> None:
            self._decode(
                lambda dialogue: dialogue.received(data, from_opener=from_opener), from_opener, at_ns
            )

        self._note(decode, len(data))

    def ended(self, *, from_opener: bool, at_ns: int) -> None:
        def decode() -> None:
            self._decode(lambda dialogue: dialogue.ended(from_opener=from_opener), from_opener, at_ns)
            self._close("closes the connection", from_opener, at_ns)

        self._note(decode)

    def failed(self, reason: str, *, from_opener: bool, at_ns: int) -> None:
        self._note(lambda: self._close(f"breaks the connection: {reason}", from_opener, at_ns))

    def _decode(self, hear: Callable[[Dialogue], Iterator[Utterance]], from_opener: bool, at_ns: int) -> None:
        if self._dialogue is None:
            return
        try:
            for utterance in hear(self._dialogue):
                self._record(utterance, at_ns)
        # Whatever is wrong with the decoder, what it decodes a copy of has to go on.
        except Exception as error:  # noqa: BLE001
            self._misunderstood, self._dialogue = self._dialogue.exchange, None
            reason = str(error) if isinstance(error, ProtocolError) else f"{type(error).__name__}: {error}"
            told = Told("not understood", "not understood", (("reason", reason),), reason)
            self._record(Utterance(from_opener, told, self._misunderstood), at_ns)

    def _close(self, title: str, from_opener: bool, at_ns: int) -> None:
        """Tell who ended it first; the other's end is an echo."""
        if not self._is_closed:
            self._is_closed = True
            exchange = self._dialogue.exchange if self._dialogue else self._misunderstood
            told = Told("closed", title)
            self._record(Utterance(from_opener, told, exchange, last=True), at_ns)

    def _record(self, utterance: Utterance, at_ns: int) -> None:
        self._recorder.record(utterance, connection=self._connection, at_ns=at_ns)
