"""What Pushpin says when it cannot run, and the error each becomes."""

import pytest

from realtime_kit.errors import (
    PortInUse,
    PushpinBroken,
    PushpinConfigError,
    PushpinError,
    PushpinStopped,
    RunFolderError,
    SocketPathTooLong,
)
from realtime_kit.pushpin.failures import explain, route_troubles

TABLE = [
    (
        "[condure] failed to bind 127.0.0.1:1: Address already in use (os error 98)",
        PortInUse,
        "port 1 cannot be used",
    ),
    (
        "[condure] failed to bind [::1]:1: Address already in use (os error 98)",
        PortInUse,
        "port 1 cannot be used",
    ),
    ("[handler] unable to bind to tcp://127.0.0.1:1", PortInUse, "port 1 cannot be used"),
    ("[handler] unable to bind to ipc:///tmp/rk-1/k-pull", RunFolderError, "/tmp/rk-1/k-pull"),
    ("[zurl] unable to bind to in_spec: ipc:///tmp/rk-1/k-zurl-in", RunFolderError, "/tmp/rk-1/k-zurl-in"),
    (
        "[condure] failed to set zhttp client stream specs: bind ipc:///tmp/rk-1/k-condure-out: Address already in use",
        RunFolderError,
        "a socket cannot be made in its run folder: /tmp/rk-1/k-condure-out",
    ),
    ("failed to create directory: /proc/nope", RunFolderError, "its run folder cannot be made: /proc/nope"),
    (
        'Failed to generate zurl config file: error writing file "/tmp/rk-1/zurl.conf"',
        RunFolderError,
        "its run folder cannot be written: /tmp/rk-1/zurl.conf",
    ),
    (
        "failed to write pid file: /tmp/rk-1/condure.pid",
        RunFolderError,
        "its run folder cannot be written: /tmp/rk-1/condure.pid",
    ),
    (
        "no configuration file found. Tried: /tmp/rk-1/pushpin.conf",
        PushpinConfigError,
        "is missing or cannot be read",
    ),
    ("failed to open /tmp/rk-1/pushpin.conf", PushpinConfigError, "is missing or cannot be read"),
    (
        "[proxy] must set condure_in_specs, condure_in_stream_specs, and condure_out_specs",
        PushpinConfigError,
        "lacks condure_in_specs: the included internal.conf was not found",
    ),
    ("zurl: Error running: /no/zurl", PushpinBroken, "its part zurl cannot be run (/no/zurl)"),
    ("condure: Error running: /no/condure", PushpinBroken, "its part condure cannot be run (/no/condure)"),
    (
        "cannot start /no/pushpin: [Errno 2] No such file or directory: '/no/pushpin'",
        PushpinBroken,
        "/no/pushpin cannot be run: [Errno 2]",
    ),
    ("bind ipc:///tmp/rk-1/k-x: File name too long", SocketPathTooLong, "path is too long for socket names"),
    (
        "thread 'worker-1' panicked at 'called `Result::unwrap()` on an `Err` value: ()', src/server.rs:1684:30",
        PushpinStopped,
        "a fault of its own ended it: 'called `Result::unwrap()`",
    ),
    (
        "pushpin-proxy: ../statsmanager.cpp:570: void wheelAdd(qint64, TimerBase*): Assertion `id >= 0' failed.",
        PushpinStopped,
        "a fault of its own ended it: Assertion `id >= 0' failed.",
    ),
    ("pushpin-proxy: Exited unexpectedly", PushpinStopped, "its part pushpin-proxy ended unexpectedly"),
]


@pytest.mark.parametrize(("words", "kind", "sentence"), TABLE, ids=[words[:45] for words, *_ in TABLE])
def test_each_of_its_complaints_becomes_one_error_that_says_what_to_do(
    words: str, kind: type[PushpinError], sentence: str
) -> None:
    log = (
        "[INFO] 2026-01-01 00:00:00.000 starting...\n"
        f"[ERR] 2026-01-01 00:00:00.001 {words}\n"
        "[ERR] 2026-01-01 00:00:00.002 handler: Exited unexpectedly\n"
        "[ERR] 2026-01-01 00:00:00.003 proxy: Exited uncleanly\n"
    )
    error = explain(log, code=1)
    assert type(error) is kind
    assert sentence in str(error)
    assert error.log == log


@pytest.mark.parametrize(
    ("code", "log", "sentence"),
    [
        (7, "one\ntwo\n", "Pushpin exited with status 7; its last line: two"),
        (0, "", "Pushpin exited with status 0; its last line: it wrote nothing"),
        (-9, "one\n", "Pushpin was killed; its last line: one"),
        (None, "one\n", "Pushpin was killed; its last line: one"),
    ],
)
def test_an_end_without_a_reason_tells_how_and_its_last_line(
    code: int | None, log: str, sentence: str
) -> None:
    error = explain(log, code=code)
    assert type(error) is PushpinStopped
    assert str(error) == sentence


def test_what_it_tells_at_higher_log_levels_is_no_complaint() -> None:
    log = (
        "[INFO] 2026-01-01 00:00:00.000 [condure] [condure::app] zhttp client bind ipc:///tmp/rk-1/k-condure-out\n"
        "[DEBUG] 2026-01-01 00:00:00.001 [proxy] GET http://127.0.0.1:1/failed to open /x\n"
        "[ERR] 2026-01-01 00:00:00.002 zurl: Exited unexpectedly\n"
    )
    assert str(explain(log, code=1)) == "Pushpin stopped: its part zurl ended unexpectedly"


@pytest.mark.parametrize(
    "warning",
    [
        "unable to open routes file: /tmp/rk-1/routes",
        "/tmp/rk-1/routes:1: target bad format",
        "/tmp/rk-1/routes:2: target invalid port",
        "/tmp/rk-1/routes:3: must specify condition and at least one target",
        "/tmp/rk-1/routes:5 skipping duplicate condition",
    ],
)
def test_a_warning_about_routes_is_found(warning: str) -> None:
    log = f"[INFO] 2026-01-01 00:00:00.000 starting...\n[WARN] 2026-01-01 00:00:00.001 [proxy] {warning}\n"
    (found,) = route_troubles(log)
    assert warning.endswith(found)


def test_other_warnings_are_not_about_routes() -> None:
    assert route_troubles("[WARN] 2026-01-01 00:00:00.001 [handler] exceeded publish hwm (300)\n") == []
