"""Locust, a master and a worker, over the kit's clients and an embedded Pushpin: everybody reports what arrived."""

import csv
import subprocess
import sys
import threading

import pytest

from realtime_kit import Pushpin, serving
from realtime_kit.lab.rig import CHANNEL
from realtime_kit.origin import EventLog
from realtime_kit.origin.lessons import lessons_app
from realtime_kit.publisher import item_in_all_formats, stamped
from realtime_kit.pushpin.ports import free_port

TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")

LISTENING = """
from realtime_kit.clients import locust as kit

class Polling(kit.PollingUser):
    interval_s = 0.5

class LongPolling(kit.LongPollingUser): ...
class Streaming(kit.StreamingUser): ...
class Sockets(kit.WebSocketUser): ...
"""

PUBLISHING = """
from realtime_kit.clients import locust as kit

class Publisher(kit.PublishingUser):
    rate_per_s = 10
    control_urls = {control_urls!r}

class Streaming(kit.StreamingUser): ...
"""


@pytest.fixture
def site():
    log = EventLog()
    with serving(lessons_app(log)) as site:
        site.log = log
        yield site


class Happening:
    """Lets stamped events happen at the origin until it is left; may leave some unpublished."""

    def __init__(self, site, *, lose_every=0):
        self._site, self._lose_every = site, lose_every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.1):
            data = stamped("something has happened")
            number = self._site.log.append(data)
            if not (self._lose_every and number % self._lose_every == 0):
                self._site.publish(CHANNEL, item_in_all_formats(number, data, prev_number=number - 1))


def locust(tmp_path, locustfile, host, *, users, seconds=6):
    """Run it with one worker; returns its statistics by (request type, name), and what both have said."""
    file = tmp_path / "locustfile.py"
    file.write_text(locustfile)
    port = str(free_port())
    program = [sys.executable, "-m", "locust", "-f", str(file), "--loglevel", "INFO"]
    asked = ["-H", host, "-u", str(users), "-r", str(users), "-t", f"{seconds}s", "--stop-timeout", "2"]
    master = [
        *program,
        "--headless",
        "--master",
        "--expect-workers",
        "1",
        *asked,
        "--csv",
        str(tmp_path / "run"),
    ]
    master += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    worker = [*program, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
    running = [
        subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path)
        for each in (master, worker)
    ]
    try:
        said = [process.communicate(timeout=60)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    rows = csv.DictReader((tmp_path / "run_stats.csv").read_text().splitlines())
    return {(row["Type"], row["Name"]): row for row in rows}, "\n".join(said)


@pytest.mark.live
def test_four_transports_report_connections_and_push_latency_through_a_worker(site, tmp_path):
    with Happening(site):
        found, said = locust(tmp_path, LISTENING, str(site.url), users=8)
    assert "Traceback" not in said, said
    for transport in TRANSPORTS:
        push = found["push", transport]
        assert int(push["Request Count"]) > 10, said
        assert int(push["Failure Count"]) == 0, said
        assert int(found["connect", transport]["Request Count"]) == 2
    median = {transport: float(found["push", transport]["Median Response Time"]) for transport in TRANSPORTS}
    assert median["polling"] > 3 * median["streaming"]  # half a second at intervals, and as it happens
    assert median["polling"] == pytest.approx(250, rel=0.4)


@pytest.mark.live
def test_what_is_lost_is_a_failure_and_not_a_quick_answer(site, tmp_path):
    streaming = "from realtime_kit.clients import locust as kit\nclass Streaming(kit.StreamingUser): ...\n"
    with Happening(site, lose_every=5):
        found, said = locust(tmp_path, streaming, str(site.url), users=2)
    push = found["push", "streaming"]
    share = int(push["Failure Count"]) / int(push["Request Count"])
    assert share == pytest.approx(0.2, abs=0.06), said
    failures = (tmp_path / "run_failures.csv").read_text()
    assert "an event never came" in failures


@pytest.mark.live
def test_events_can_come_from_locust_itself_to_every_instance(site, tmp_path):
    with Pushpin(site.origin_port) as second:
        control_urls = (site.pushpin.control_url, second.control_url)
        locustfile = PUBLISHING.format(control_urls=control_urls)
        found, said = locust(tmp_path, locustfile, str(second.url), users=4)
    assert int(found["publish", CHANNEL]["Failure Count"]) == 0, said
    assert int(found["publish", CHANNEL]["Request Count"]) > 60  # ten a second to two
    assert int(found["push", "streaming"]["Request Count"]) > 60  # and three listen
    assert int(found["push", "streaming"]["Failure Count"]) == 0, said


# Beside Locust


def test_nothing_else_in_the_kit_brings_gevent_along():
    script = (
        "import sys, realtime_kit, realtime_kit.clients, realtime_kit.lab, realtime_kit.publisher, realtime_kit.cli\n"
        "from realtime_kit import lab, theory\n"
        "print([name for name in ('gevent', 'locust') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_imported_by_an_ordinary_program_it_says_what_to_do_and_replaces_nothing():
    script = (
        "import sys, socket\nbefore = socket.socket\n"
        "from realtime_kit.errors import UsageError\n"
        "try:\n    import realtime_kit.clients.locust\n"
        "except UsageError as error:\n    print(error)\n"
        "print(socket.socket is before, 'gevent' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "run it with `locust -f FILE`" in done.stdout
    assert done.stdout.strip().endswith("True False")


def test_tries_that_fail_are_told_as_they_happen(tmp_path):
    locustfile = (
        "from realtime_kit.clients import locust as kit\n"
        "class Stream(kit.StreamingUser):\n    options = {'max_failures': 3}\n"
    )
    found, said = locust(tmp_path, locustfile, f"http://127.0.0.1:{free_port()}", users=1, seconds=4)
    connect = found["connect", "streaming"]
    assert int(connect["Failure Count"]) == int(connect["Request Count"]) > 0, said
    assert "gave up" in (tmp_path / "run_failures.csv").read_text()
