"""A wire that can be listened to is a wire: what goes in at one end comes out at the other."""

import asyncio
import contextlib
import itertools
import random
import socket
import struct

import psutil
import pytest
from hypothesis import given, settings, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.taps.x_ray.wire import HOST, Wire

RESET = struct.pack("ii", 1, 0)
PATIENCE_S = 20


class Notes:
    """A listener that writes everything down."""

    def __init__(self):
        self.bytes = {True: bytearray(), False: bytearray()}
        self.events = []
        self.times = []

    def opened(self, *, at_ns):
        self.events.append("opened")

    def received(self, data, *, from_opener, at_ns):
        self.bytes[from_opener] += data
        self.times.append(at_ns)

    def ended(self, *, from_opener, at_ns):
        self.events.append(("ended", from_opener))

    def failed(self, reason, *, from_opener, at_ns):
        self.events.append(("failed", from_opener, reason))


@contextlib.asynccontextmanager
async def wired(serve, **options):
    """A wire to a server; gives a way to connect to it, and what was heard."""
    heard = []

    def listen():
        heard.append(Notes())
        return heard[-1]

    tasks = []

    async def handle(reader, writer):
        tasks.append(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, HOST, 0, limit=2**26)
    target = server.sockets[0].getsockname()
    try:
        async with Wire(target, listen, **options) as wire:
            yield wire, heard
    finally:
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def in_time(main):
    """Run it; hanging is a failure."""

    async def limited():
        async with asyncio.timeout(PATIENCE_S):
            return await main()

    return asyncio.run(limited())


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.001)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=20))
def test_bytes_go_both_ways_unchanged_however_they_are_cut(pieces):
    async def main():
        async with wired(echo) as (wire, heard):
            reader, writer = await asyncio.open_connection(HOST, wire.port)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            assert await reader.read() == b"".join(pieces)
            writer.close()
            assert heard[0].bytes[True] == heard[0].bytes[False] == b"".join(pieces)
            assert heard[0].times == sorted(heard[0].times)

    in_time(main)


def test_ten_megabytes_arrive_as_they_left():
    sent = random.Random(1).randbytes(10_000_000)

    async def main():
        async with wired(echo) as (wire, heard):
            reader, writer = await asyncio.open_connection(HOST, wire.port)

            async def send():
                cuts = [0, *sorted(random.Random(2).sample(range(1, len(sent)), 500)), len(sent)]
                for start, end in itertools.pairwise(cuts):
                    writer.write(sent[start:end])
                    await writer.drain()
                writer.write_eof()

            _, received = await asyncio.gather(send(), reader.read())
            assert received == sent
            assert heard[0].bytes[True] == sent
            writer.close()

    in_time(main)


def test_one_side_can_end_and_still_hear_the_other():
    async def main():
        async def answer_the_end(reader, writer):
            assert await reader.read() == b"all I have to say"
            writer.write(b"heard")
            writer.write_eof()

        async with wired(answer_the_end) as (wire, heard):
            reader, writer = await asyncio.open_connection(HOST, wire.port)
            writer.write(b"all I have to say")
            writer.write_eof()
            assert await reader.read() == b"heard"
            writer.close()
            assert heard[0].events == ["opened", ("ended", True), ("ended", False)]

    in_time(main)


def test_a_server_that_ends_first_still_hears_the_client():
    async def main():
        last_words = asyncio.get_running_loop().create_future()

        async def end_at_once(reader, writer):
            writer.write_eof()
            last_words.set_result(await reader.read())

        async with wired(end_at_once) as (wire, _):
            reader, writer = await asyncio.open_connection(HOST, wire.port)
            assert await reader.read() == b""
            writer.write(b"but I go on")
            writer.write_eof()
            assert await last_words == b"but I go on"
            writer.close()

    in_time(main)


def test_a_clients_reset_is_a_reset_for_the_server():
    async def main():
        outcome = asyncio.get_running_loop().create_future()

        async def wait(reader, writer):
            try:
                await reader.readexactly(1)
                outcome.set_result(await reader.read())
            except OSError as error:
                outcome.set_result(error)

        async with wired(wait) as (wire, heard):
            _, writer = await asyncio.open_connection(HOST, wire.port)
            writer.write(b"x")
            await until(lambda: heard and heard[0].bytes[True])
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            assert isinstance(await outcome, ConnectionResetError)
            assert heard[0].events == ["opened", ("failed", True, "Connection reset by peer")]

    in_time(main)


def test_a_servers_reset_is_a_reset_for_the_client():
    async def main():
        async def slam(reader, writer):
            await reader.readexactly(1)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

        async with wired(slam) as (wire, heard):
            reader, writer = await asyncio.open_connection(HOST, wire.port)
            writer.write(b"x")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert heard[0].events == ["opened", ("failed", False, "Connection reset by peer")]
            writer.close()

    in_time(main)


def test_a_target_that_is_not_there_resets_the_connection_and_is_told():
    async def main():
        with socket.create_server((HOST, 0)) as closed:
            target = closed.getsockname()
        notes = Notes()
        async with Wire(target, lambda: notes) as wire:
            reader, writer = await asyncio.open_connection(HOST, wire.port)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
        opened, (kind, from_opener, reason) = notes.events
        assert (opened, kind, from_opener) == ("opened", "failed", False)
        assert "refused" in reason or "Connect call failed" in reason

    in_time(main)


async def pour(reader, writer):
    with contextlib.suppress(OSError):
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()


def test_a_reader_that_does_not_read_stops_the_writer():
    """Otherwise everything it does not read would gather in memory."""

    async def main():
        async with wired(pour) as (wire, heard):
            with socket.create_connection((HOST, wire.port)) as client:
                await until(lambda: len(wire._sides) == 2)
                opener, target = sorted(wire._sides, key=lambda side: not side._from_opener)
                await until(lambda: not target.transport.is_reading())
                assert 0 < opener.transport.get_write_buffer_size() <= (64 + 256) * 1024
                gone = len(heard[0].bytes[False])
                client.setblocking(False)
                got = 0
                while got <= gone:  # it goes on where it stopped
                    got += len(await asyncio.get_running_loop().sock_recv(client, 2**20))

    in_time(main)


def test_the_end_leaves_no_connection_even_where_nobody_reads():
    async def main():
        before = psutil.Process().num_fds()
        async with wired(pour) as (wire, heard):
            with socket.create_connection((HOST, wire.port)):
                await until(lambda: heard and len(heard[0].bytes[False]) > 100_000)
                await wire.__aexit__()
                assert not wire._sides
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(HOST, wire.port)
        await until(lambda: psutil.Process().num_fds() <= before)

    in_time(main)


def test_it_may_end_while_it_connects():
    async def main():
        # A full queue of connections: the next one stays half-way.
        with socket.socket() as full:
            full.bind((HOST, 0))
            full.listen(0)
            target = full.getsockname()
            with contextlib.ExitStack() as stack:
                for _ in range(4):
                    waiting = stack.enter_context(socket.socket())
                    waiting.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        waiting.connect(target)
                async with Wire(target, Notes) as wire:
                    reader, writer = await asyncio.open_connection(HOST, wire.port)
                    await until(lambda: wire._connecting)
                assert await reader.read() == b""
                writer.close()

    in_time(main)


def test_a_port_in_use_is_named():
    async def main():
        with socket.create_server((HOST, 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(
                UsageError, match=f"cannot listen on port {port}: Address already in use; 0 is a free"
            ):
                async with Wire((HOST, 1), Notes, port=port):
                    pass

    in_time(main)
