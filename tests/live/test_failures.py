"""Starts that cannot succeed: one typed error each, and nothing left behind."""

import re
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime_kit.errors import (
    MissingDependency,
    PortInUse,
    PushpinBroken,
    PushpinConfigError,
    PushpinError,
    PushpinNotReady,
    RouteError,
    RunFolderError,
    SocketPathTooLong,
    UsageError,
)
from realtime_kit.pushpin import Pushpin, PushpinSettings, Route, State, instance
from realtime_kit.pushpin.config import render
from realtime_kit.pushpin.find import find_pushpin
from realtime_kit.pushpin.ports import free_port
from realtime_kit.pushpin.readiness import Probe
from realtime_kit.pushpin.supervised import SupervisedProcess
from realtime_kit.pushpin.version import PushpinVersion

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

BeforeLaunch = Callable[[Callable[[Path], object]], None]


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of another process that listens and never answers."""
    script = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder of the test's own; pytest's are too long for sockets."""
    with tempfile.TemporaryDirectory(prefix="rkt-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def edit_config(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Lets a pattern in the configuration be replaced before Pushpin reads it."""

    def edit(pattern: str, replacement: str) -> None:
        monkeypatch.setattr(
            instance, "render", lambda *args, **kwargs: re.sub(pattern, replacement, render(*args, **kwargs))
        )

    return edit


@pytest.fixture
def before_launch(monkeypatch: pytest.MonkeyPatch) -> BeforeLaunch:
    """Lets the run folder be spoilt just before Pushpin is launched in it."""

    def register(spoil: Callable[[Path], object]) -> None:
        launch = SupervisedProcess.launch

        async def spoil_and_launch(argv: list[str], *, folder: Path, **options: Any) -> object:
            spoil(folder)
            return await launch(argv, folder=folder, **options)

        monkeypatch.setattr(SupervisedProcess, "launch", spoil_and_launch)

    return register


def fails(pushpin: Pushpin, kind: type[PushpinError]) -> PushpinError:
    with pytest.raises(PushpinError) as raised:
        pushpin.start()
    assert type(raised.value) is kind
    assert pushpin.state is State.FAILED
    assert pushpin.error is raised.value
    assert pushpin.log == raised.value.log
    assert pushpin.processes() == []
    return raised.value


@pytest.mark.parametrize("name", ["http_port", "publish_port"])
def test_a_port_that_is_taken_names_its_owner(stranger: int, name: str) -> None:
    pushpin = (
        Pushpin(8000, http_port=stranger) if name == "http_port" else Pushpin(8000, publish_port=stranger)
    )
    assert re.search(rf"port {stranger} .* belongs to python\S* \(pid \d+\)", str(fails(pushpin, PortInUse)))


def test_a_client_port_taken_between_check_and_start_is_noticed(
    stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "check_port", lambda *_: None)
    error = fails(Pushpin(8000, http_port=stranger), PortInUse)
    assert f"port {stranger} cannot be used: belongs to python" in str(error)
    assert "failed to bind" in error.log


def test_a_publish_port_taken_between_check_and_start_is_noticed_though_pushpin_says_nothing(
    stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "check_port", lambda *_: None)
    monkeypatch.setattr(instance, "_PORT_TRIES", 1)
    error = fails(Pushpin(8000, publish_port=stranger), PortInUse)
    assert f"port {stranger} cannot be used: belongs to python" in str(error)
    assert "bind" not in error.log


def test_a_free_port_that_is_free_no_longer_is_exchanged_for_another(
    origin: int, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = iter([stranger, free_port(), free_port(), stranger])
    monkeypatch.setattr(instance, "free_port", lambda host: next(offers, None) or free_port(host))
    with Pushpin(origin) as pushpin:
        assert stranger not in (pushpin.url.port, int(pushpin.control_url.rpartition(":")[2]))


def test_strangers_on_every_free_port_end_the_search(stranger: int, monkeypatch: pytest.MonkeyPatch) -> None:
    offers = iter([stranger, 1] * 5)
    monkeypatch.setattr(instance, "free_port", lambda _: next(offers))
    fails(Pushpin(8000), PortInUse)
    assert next(offers, None) is None


@pytest.mark.parametrize("key", ["push_in_spec", "command_spec"])
def test_a_tcp_socket_that_cannot_bind_is_a_port_in_use(
    stranger: int, edit_config: Callable[[str, str], None], key: str
) -> None:
    edit_config(rf"\n{key}=.*", f"\n{key}=tcp://127.0.0.1:{stranger}")
    assert f"port {stranger} cannot be used" in str(fails(Pushpin(8000), PortInUse))


@pytest.mark.parametrize("key", ["push_in_spec", "stats_spec"])
def test_a_socket_that_cannot_be_made_names_its_path(
    short_folder: Path, edit_config: Callable[[str, str], None], key: str
) -> None:
    (short_folder / "taken").mkdir()
    edit_config(rf"\n{key}=.*", f"\n{key}=ipc://{short_folder}/taken")
    assert f"a socket cannot be made in its run folder: {short_folder}/taken" in str(
        fails(Pushpin(8000), RunFolderError)
    )


def test_a_run_folder_below_a_file_cannot_be_made(short_folder: Path) -> None:
    file = short_folder / "file"
    file.touch()
    error = fails(Pushpin(8000, run_folder=file / "run"), RunFolderError)
    assert f"no run folder can be made in {file}/run: Not a directory" in str(error)


def test_a_run_folder_that_pushpin_itself_cannot_make_is_a_run_folder_error(
    edit_config: Callable[[str, str], None],
) -> None:
    edit_config(r"\nrundir=.*", "\nrundir=/proc/nope")
    assert "its run folder cannot be made: /proc/nope" in str(fails(Pushpin(8000), RunFolderError))


def test_a_run_folder_where_nothing_can_be_made_is_a_run_folder_error() -> None:
    error = fails(Pushpin(8000, run_folder="/sys"), RunFolderError)  # not even root may write there
    assert re.search(
        "no run folder can be made in /sys: (Operation not permitted|Permission|Read-only)", str(error)
    )


def test_a_run_folder_that_pushpin_cannot_write_is_a_run_folder_error(
    before_launch: BeforeLaunch, version: PushpinVersion
) -> None:
    if not version.needs_zurl:
        pytest.skip("without Zurl there is no file that it cannot do without")
    before_launch(lambda folder: (folder / "zurl.conf").mkdir())
    assert "its run folder cannot be written: " in str(fails(Pushpin(8000), RunFolderError))


def test_a_run_folder_with_a_path_too_long_says_how_long_it_may_be(
    short_folder: Path, version: PushpinVersion
) -> None:
    error = fails(Pushpin(8000, run_folder=short_folder / ("x" * 100)), SocketPathTooLong)
    assert re.search(rf"takes \d+ bytes, Pushpin {version} leaves room for \d+: ", str(error))


def test_the_longest_allowed_path_works(origin: int, short_folder: Path) -> None:
    error = fails(Pushpin(origin, run_folder=short_folder / ("x" * 100)), SocketPathTooLong)
    allowed = int(str(error).partition("room for ")[2].partition(":")[0])
    longest = short_folder / ("x" * (allowed - len(f"{short_folder}/")))
    with Pushpin(origin, run_folder=longest):
        pass
    assert list(longest.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["with,comma", "with;semicolon", 'with"quote', "with\\backslash", "ümlaut", "{libdir}"]
)
def test_a_run_folder_that_the_configuration_cannot_hold_is_refused(short_folder: Path, name: str) -> None:
    assert "Pushpin's configuration cannot hold" in str(
        fails(Pushpin(8000, run_folder=short_folder / name), RunFolderError)
    )


@pytest.mark.parametrize("name", ["with space", "with#hash=equals%percent"])
def test_other_odd_paths_work(origin: int, short_folder: Path, name: str) -> None:
    with Pushpin(origin, run_folder=short_folder / name) as pushpin:
        assert pushpin.state is State.READY


def test_what_stands_in_a_given_run_folder_is_left_alone(origin: int, short_folder: Path) -> None:
    mine = [short_folder / name for name in ("pushpin.conf", "routes", "k-mine", "mine.pid", "lock")]
    for file in mine:
        file.write_text("mine")
    with Pushpin(origin, run_folder=short_folder):
        pass
    assert sorted(short_folder.iterdir()) == sorted(mine)
    assert all(file.read_text() == "mine" for file in mine)


@pytest.mark.parametrize("trouble", ["missing", "a folder"])
def test_a_configuration_that_cannot_be_read_is_a_config_error(
    before_launch: BeforeLaunch, trouble: str
) -> None:
    def spoil(folder: Path) -> None:
        config = folder / "pushpin.conf"
        config.unlink()
        if trouble == "a folder":
            config.mkdir()

    before_launch(spoil)
    assert "its configuration file is missing or cannot be read" in str(
        fails(Pushpin(8000), PushpinConfigError)
    )


def test_an_include_that_is_missing_is_a_config_error(edit_config: Callable[[str, str], None]) -> None:
    edit_config(r"\ninclude=.*", "\ninclude=/no/internal.conf")
    assert "internal.conf was not found" in str(fails(Pushpin(8000), PushpinConfigError))


def test_the_part_that_accepts_clients_is_named_if_it_is_missing(
    before_launch: BeforeLaunch, version: PushpinVersion
) -> None:
    name = version.components[0]
    before_launch(lambda folder: (folder / "bin" / name).write_text("#!/no/interpreter\n"))
    error = fails(Pushpin(8000), PushpinBroken)
    assert f"its part {version.services[0]} cannot be run ({name}): install it" in str(error)


def test_the_part_that_asks_the_origin_is_named_if_it_is_missing(
    edit_config: Callable[[str, str], None], version: PushpinVersion
) -> None:
    if not version.needs_zurl:
        pytest.skip("the part that accepts clients does it")
    edit_config(r"\[runner\]\n", "[runner]\nzurl_bin=/no/zurl\n")
    error = fails(Pushpin(8000), PushpinBroken)
    assert "its part zurl cannot be run (/no/zurl): install it" in str(error)


def test_a_pushpin_that_vanishes_after_it_was_found_cannot_be_run(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = short_folder / "pushpin"
    binary.symlink_to(find_pushpin().binary.resolve())
    enter = Probe.__aenter__

    async def vanish(probe: Probe) -> Probe:
        binary.unlink()
        return await enter(probe)

    monkeypatch.setattr(Probe, "__aenter__", vanish)
    assert "pushpin cannot be run: [Errno 2]" in str(fails(Pushpin(8000, binary=binary), PushpinBroken))


def test_a_pushpin_that_is_not_there_is_a_missing_dependency_with_its_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REALTIME_KIT_PUSHPIN", "/no/pushpin")
    pushpin = Pushpin(8000)
    with pytest.raises(MissingDependency, match="/no/pushpin") as raised:
        pushpin.start()
    assert pushpin.state is State.FAILED
    assert pushpin.error is raised.value


def test_routes_that_pushpin_does_not_accept_are_a_route_error_with_its_words() -> None:
    error = fails(Pushpin([Route("127.0.0.1:8000", options=("proto=gopher",))]), RouteError)
    assert "proto must be set to 'http' or 'ws'" in str(error)


def test_a_pushpin_that_never_passes_an_event_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "_greeting", lambda _: b"")
    error = fails(Pushpin(8000, start_timeout_s=0.5), PushpinNotReady)
    assert "within 0.5 s no event came through it" in str(error)


def test_more_connections_than_possible_is_a_usage_error() -> None:
    pushpin = Pushpin(8000, settings=PushpinSettings(connections_max=10**9))
    with pytest.raises(
        UsageError, match=r"connections_max is 1000000000: .* allows 100 to \d+ for one Pushpin"
    ):
        pushpin.start()
    assert pushpin.state is State.FAILED


def test_after_a_failure_the_same_one_can_be_started(origin: int, stranger: int) -> None:
    pushpin = Pushpin(origin, http_port=stranger)
    fails(pushpin, PortInUse)
    pushpin._ports = (0, 0)
    with pushpin:
        assert pushpin.error is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"host": "0.0.0.0"}, "listens on 127.0.0.1 or ::1 only"),
        ({"http_port": 65536}, "http_port is 65536: a port is 1 to 65535, or 0 for a free one"),
        ({"publish_port": -1}, "publish_port is -1"),
        ({"http_port": 9000, "publish_port": 9000}, "are both 9000: they have to differ"),
        ({"routes": "8000"}, "routes have to be Route objects, or the origin's port as a number; found '8'"),
        ({"routes": [Route("a:1"), Route("b:1")]}, "two routes take the same requests: '* a:1' and '* b:1'"),
        ({"routes": 0}, "is not of the form host:port"),
    ],
)
def test_arguments_that_cannot_be_are_refused_at_once(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises((UsageError, RouteError), match=re.escape(sentence)):
        Pushpin(**arguments)  # type: ignore[arg-type]


def test_its_configuration_and_sockets_are_for_nobody_else(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        assert stat.S_IMODE(pushpin.addresses.run_folder.stat().st_mode) == 0o700
        with socket.create_connection(("127.0.0.1", pushpin.url.port or 0)):
            pass
