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
    interval_s = {interval_s}

class LongPolling(kit.LongPollingUser): ...
class Streaming(kit.StreamingUser): ...
class Sockets(kit.WebSocketUser): ...
"""

INTERVAL_S = 1.0

ENOUGH = """
import gevent
from locust import events

@events.init.add_listener
def end_by_count(environment, **_):
    def look(**_):
        stats, wanted = environment.runner.stats, {wanted!r}
        if not ended and all(stats.get(name, kind).num_requests >= least for (kind, name), least in wanted.items()):
            ended.append(gevent.spawn(environment.runner.quit))
    ended = []
    environment.events.worker_report.add_listener(look)
"""
"""Ends a run, for whoever is its master, when so much has been reported."""

PUBLISHING = """
from realtime_kit.clients import locust as kit

class Publisher(kit.PublishingUser):
    rate_per_s = 10
    control_urls = {control_urls!r}

class Streaming(kit.StreamingUser): ...
"""


@pytest.fixture
def site(nothing_left_behind):
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


def locust(tmp_path, locustfile, host, *, users, until):
    """Run it with one worker until there are so many requests of each (request type, name).

    Returns the statistics by (request type, name), and what both have said.
    """
    file = tmp_path / "locustfile.py"
    file.write_text(locustfile + ENOUGH.replace("{wanted!r}", repr(until)))
    port = str(free_port())
    program = [sys.executable, "-m", "locust", "-f", str(file), "--loglevel", "INFO"]
    asked = ["-H", host, "-u", str(users), "-r", str(users), "-t", "60s", "--stop-timeout", "2"]
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
        said = [process.communicate(timeout=120)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    rows = csv.DictReader((tmp_path / "run_stats.csv").read_text().splitlines())
    return {(row["Type"], row["Name"]): row for row in rows}, "\n".join(said)


@pytest.mark.live
def test_four_transports_report_connections_and_push_latency_through_a_worker(site, tmp_path):
    locustfile = LISTENING.format(interval_s=INTERVAL_S)
    until = {("push", transport): 100 for transport in TRANSPORTS}
    with Happening(site):
        found, said = locust(tmp_path, locustfile, str(site.url), users=8, until=until)
    assert "Traceback" not in said, said
    for transport in TRANSPORTS:
        push, connect = found["push", transport], found["connect", transport]
        assert int(push["Request Count"]) >= 100, said
        assert int(push["Failure Count"]) == 0, said
        assert int(connect["Request Count"]) - int(connect["Failure Count"]) >= 2, said
    median_ms = {
        transport: float(found["push", transport]["Median Response Time"]) for transport in TRANSPORTS
    }
    # At intervals, an event waits for half of one; the others get it as it happens, which is never later.
    assert median_ms["polling"] > 0.5 * (1000 * INTERVAL_S / 2)
    assert median_ms["polling"] > 2 * median_ms["streaming"]


@pytest.mark.live
def test_what_is_lost_is_a_failure_and_not_a_quick_answer(site, tmp_path):
    streaming = "from realtime_kit.clients import locust as kit\nclass Streaming(kit.StreamingUser): ...\n"
    with Happening(site, lose_every=5):
        found, said = locust(tmp_path, streaming, str(site.url), users=2, until={("push", "streaming"): 80})
    push = found["push", "streaming"]
    events, lost = int(push["Request Count"]), int(push["Failure Count"])
    assert events >= 80, said
    assert abs(lost - events / 5) <= 2, said  # of either user's run of numbers, it is a fifth to within one
    failures = (tmp_path / "run_failures.csv").read_text()
    assert "an event never came" in failures


@pytest.mark.live
def test_events_can_come_from_locust_itself_to_every_instance(site, tmp_path):
    with Pushpin(site.origin_port) as second:
        control_urls = (site.pushpin.control_url, second.control_url)
        locustfile = PUBLISHING.format(control_urls=control_urls)
        until = {("push", "streaming"): 120}
        found, said = locust(tmp_path, locustfile, str(second.url), users=4, until=until)
    publish, push = found["publish", CHANNEL], found["push", "streaming"]
    assert int(publish["Failure Count"]) == int(push["Failure Count"]) == 0, said
    # Three listen to one of two instances, and have what it got, but for what was under way.
    published = int(publish["Request Count"]) / 2
    assert 120 <= int(push["Request Count"]) <= 3 * (published + 10), said


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


def test_an_event_that_does_not_say_when_it_was_due_has_come_all_the_same():
    script = """
import time
import locust
from locust.env import Environment
from realtime_kit.clients import locust as kit
from realtime_kit.clients.event_stream import Event
from realtime_kit.clients.receipt import Receipt
from realtime_kit.publisher import stamped
class User(kit.StreamingUser): ...
environment = Environment()
environment.events.request.add_listener(lambda exception, **_: print(exception))
user = User(environment)
for number, data in enumerate((stamped(), "no JSON", stamped()), start=1):
    user._receive(Receipt(Event("message", data, str(number)), time.monotonic_ns()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert first == third == "None"
    assert "does not say when it was due" in second


def test_a_user_that_waits_does_not_look_for_interrupts():
    script = """
import locust
from locust.env import Environment
from realtime_kit import background
from realtime_kit.clients import locust as kit
class User(kit.StreamingUser): ...
def run(coroutine, **options):
    coroutine.close()
    print(options)
background.run = run
User(Environment()).live()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'look_s': None}"


def test_tries_that_fail_are_told_as_they_happen(tmp_path):
    locustfile = (
        "from realtime_kit.clients import locust as kit\n"
        "class Stream(kit.StreamingUser):\n    options = {'max_failures': 3}\n"
    )
    until = {("connect", "streaming"): 4}  # three tries, and the end of it
    found, said = locust(tmp_path, locustfile, f"http://127.0.0.1:{free_port()}", users=1, until=until)
    connect = found["connect", "streaming"]
    assert int(connect["Failure Count"]) == int(connect["Request Count"]) >= 4, said
    assert "gave up" in (tmp_path / "run_failures.csv").read_text()
