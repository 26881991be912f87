"""The way without root, for real: packages fetched, unpacked and run by somebody without rights."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import realtime_kit

pytestmark = pytest.mark.live

NOBODY = 65534
START_TIMEOUT_S = 20.0
OF_THE_LOADER = re.compile(r"(ld|lib(c|m|dl|rt|pthread|resolv|nss_\w+|gcc_s|stdc\+\+))[-.].*")
"""Libraries that have to match the system's loader, and therefore are the system's."""

INSTALL = """
import json, time
from realtime_kit.pushpin.find import find_pushpin
from realtime_kit.pushpin.install import execute, inspect_machine, plan

machine = inspect_machine()
began = time.monotonic()
first = execute(plan(machine))
between = time.monotonic()
second = execute(plan(machine))
ended = time.monotonic()
found = find_pushpin(environ={"PATH": "", "REALTIME_KIT_HOME": str(machine.prefix.parent)})
print(json.dumps({
    "binary": str(first.binary), "version": str(first.version), "services": first.version.services,
    "libdir": str(first.libdir), "environment": first.environment, "steps": len(plan(machine).steps),
    "same": first == second == found, "first_s": between - began, "second_s": ended - between,
}))
"""

CONFIG = """\
[global]
include={libdir}/internal.conf
libdir={libdir}
rundir={run}
ipc_prefix=k-

[runner]
services={services}
http_port=127.0.0.1:{http_port}
client_maxconn=100

[proxy]
routesfile=routes
zurl_out_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-in
zurl_out_stream_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-in-stream
zurl_in_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-out

[handler]
push_in_http_addr=127.0.0.1
push_in_http_port={push_port}
push_in_spec=ipc://{{rundir}}/{{ipc_prefix}}pull
command_spec=ipc://{{rundir}}/{{ipc_prefix}}command
stats_spec=ipc://{{rundir}}/{{ipc_prefix}}stats
"""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A user without rights, a Python they can run, and a folder that is theirs."""

    python: str
    home: Path
    identity: dict[str, object]
    environ: dict[str, str]

    def start(self, *argv: str | Path, **variables: str) -> "subprocess.Popen[str]":
        process: subprocess.Popen[str] = subprocess.Popen(
            argv,
            env=self.environ | variables,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self.identity,  # type: ignore[call-overload]
        )
        return process


@pytest.fixture(scope="module")
def somebody() -> Iterator[Somebody]:
    """`nobody` where the tests run as root, else whoever runs them, and always without sudo."""
    home = Path(tempfile.mkdtemp(prefix="rk-", dir="/tmp"))
    identity: dict[str, object] = {}
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    environ = {
        "PATH": path_without_sudo(home),
        "HOME": str(home),
        "REALTIME_KIT_HOME": str(home / "kit"),
        "PYTHONPATH": f"{Path(realtime_kit.__file__).parent.parent}:{sysconfig.get_path('purelib')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        yield Somebody(readable_python(identity, environ), home, identity, environ)
    finally:
        shutil.rmtree(home)


def path_without_sudo(home: Path) -> str:
    """The system's programs except sudo, so that the plan is the one without root on any machine."""
    programs = home / "programs"
    programs.mkdir()
    for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        for program in Path(folder).iterdir():
            link = programs / program.name
            if program.name not in {"sudo", "brew"} and not link.is_symlink():
                link.symlink_to(program)
    return str(programs)


def readable_python(identity: dict[str, object], environ: dict[str, str]) -> str:
    """This interpreter, or the system's where this one is in a folder of root's."""
    said = []
    for python in (sys.executable, "/usr/bin/python3"):
        command = [python, "-c", "import realtime_kit.pushpin.install"]
        try:
            done = subprocess.run(command, env=environ, capture_output=True, text=True, **identity)  # type: ignore[call-overload]
        except PermissionError as error:
            said.append(f"{python}: {error}")
            continue
        if done.returncode == 0:
            return python
        said.append(f"{python}: {done.stderr}")
    pytest.fail("No Python that an unprivileged user can import the kit with:\n" + "\n".join(said))


@pytest.fixture(scope="module")
def installed(somebody: Somebody) -> dict[str, object]:
    with somebody.start(somebody.python, "-c", INSTALL) as installer:
        said, _ = installer.communicate()
    assert installer.returncode == 0, said
    facts: dict[str, object] = json.loads(said.splitlines()[-1])
    return facts


@pytest.fixture
def running(
    somebody: Somebody, installed: dict[str, object], steady_ports: tuple[int, int]
) -> Iterator[tuple[int, tuple[int, int]]]:
    """The unpacked Pushpin as an unprivileged process: its id and its two ports."""
    ports = steady_ports
    config = somebody.home / "pushpin.conf"
    (somebody.home / "routes").write_text("* test\n")
    config.write_text(
        CONFIG.format(
            libdir=installed["libdir"],
            run=somebody.home / "run",
            services=",".join(installed["services"]),  # type: ignore[arg-type]
            http_port=ports[0],
            push_port=ports[1],
        )
    )
    command = (str(installed["binary"]), f"--config={config}", "--merge-output")
    with somebody.start(*command, **installed["environment"]) as pushpin:  # type: ignore[arg-type]
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not all(map(listens, ports)):
                if pushpin.poll() is not None or time.monotonic() > deadline:
                    pushpin.terminate()  # a kill would leave its children behind
                    pytest.fail(f"It did not come to listen on {ports}:\n{pushpin.communicate()[0]}")
                time.sleep(0.02)
            yield pushpin.pid, ports
        finally:
            if pushpin.poll() is None:
                pushpin.send_signal(signal.SIGTERM)
            pushpin.communicate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def family_of(pid: int) -> list[int]:
    """The process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def test_it_is_installed_below_the_users_own_folder(somebody: Somebody, installed: dict[str, object]) -> None:
    assert installed["binary"] == f"{somebody.home}/kit/pushpin/usr/bin/pushpin"


def test_nothing_but_the_prefix_is_left(somebody: Somebody, installed: dict[str, object]) -> None:
    assert [path.name for path in (somebody.home / "kit").iterdir()] == ["pushpin"]


def test_the_second_call_and_a_search_find_the_same(installed: dict[str, object]) -> None:
    assert installed["same"]


def test_the_second_call_takes_a_tiny_part_of_the_first(installed: dict[str, float]) -> None:
    assert installed["second_s"] < installed["first_s"] / 5


def test_it_runs_and_listens_on_its_two_ports(running: tuple[int, tuple[int, int]]) -> None:
    _, ports = running
    assert all(map(listens, ports))


def test_it_runs_as_an_unprivileged_user(running: tuple[int, tuple[int, int]]) -> None:
    pid, _ = running
    assert {Path(f"/proc/{member}").stat().st_uid for member in family_of(pid)} == {os.geteuid() or NOBODY}


def test_programs_and_libraries_are_its_own_apart_from_the_loaders(
    somebody: Somebody, running: tuple[int, tuple[int, int]]
) -> None:
    pid, _ = running
    mapped = {
        line.split()[-1]
        for member in family_of(pid)
        for line in Path(f"/proc/{member}/maps").read_text().splitlines()
        if line.split()[-1].startswith("/") and "x" in line.split()[1]
    }
    foreign = [path for path in mapped if not path.startswith(str(somebody.home))]
    assert [path for path in foreign if not OF_THE_LOADER.fullmatch(Path(path).name)] == []
