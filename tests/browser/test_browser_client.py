"""The client in the learner's browser: from JupyterLab, below a base_url, through its proxy to a real Pushpin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

SITE = """
import json, psutil, time
from aiohttp import web
from realtime_kit import serving
from realtime_kit.origin import EventLog
from realtime_kit.origin.streaming import streaming_app
from realtime_kit.origin.websocket import websocket_app
from realtime_kit.plots.widgets.browser_client import BrowserClient
from realtime_kit.publisher import item_in_all_formats

log, due, asked = EventLog(), {}, []

@web.middleware
async def remember(request, handler):
    asked.append({name.lower(): value for name, value in request.headers.items()})
    return await handler(request)

app = web.Application(middlewares=[remember])
app.add_subapp("/streaming", streaming_app(log))
app.add_subapp("/websocket", websocket_app(log))
site = serving(app).start()
paths = {"streaming": "/streaming/events", "websocket": "/websocket/events"}

def happen(count=1):
    for _ in range(count):
        number = log.append("something <b>happened</b>")
        due[number] = time.monotonic_ns()
        site.publish("events", item_in_all_formats(number, log.after(number - 1)[0][1]))
"""

CLIENT = """
client = BrowserClient(site.url, paths, due=due)
client
"""

STARTED = """
client = BrowserClient(site.url, paths, due=due, seconds=600)
client.start()
client
"""

SUBSCRIBERS = "site.pushpin.statistics.subscribers('events')"
CONNECTIONS = "site.pushpin.statistics.connections"
BUTTON = {"streaming": "Connect (EventSource)", "websocket": "Connect (WebSocket)"}
MODE = {"streaming": "stream", "websocket": "ws"}


@pytest.fixture(scope="module")
def open_course(lab_of_module: Any) -> Any:
    return lab_of_module.write("course", SITE, CLIENT, STARTED)


@pytest.fixture
def course(open_course: Any) -> Iterator[Any]:
    """A notebook with a new site that is up, and a client's cells that have not been run."""
    open_course.run_cell(0)
    assert open_course.errors() == []
    yield open_course
    open_course.command("notebook:clear-all-cell-outputs")
    open_course.ask("globals().get('client') and client.close(); site.stop()")
    open_course.until("not psutil.Process().children()")


def tell(course: Any, expression: str) -> Any:
    return json.loads(course.ask(f"print(json.dumps({expression}))"))


def press(course: Any, name: str) -> None:
    course.page.get_by_role("button", name=name).click()


def says(course: Any, words: str) -> None:
    course.page.get_by_role("status").filter(has_text=words).wait_for()


@pytest.mark.parametrize("transport", BUTTON)
def test_events_come_to_the_page_and_their_latencies_to_the_kernel(
    course: Any, lab_of_module: Any, transport: str
) -> None:
    course.run_cell(1)
    press(course, BUTTON[transport])
    says(course, "Connected by")
    course.until(f"site.pushpin.statistics.subscriptions.get(('events', {MODE[transport]!r})) == 1")

    course.ask("happen(20)")
    course.until("len(client.receipts) == 20")

    receipts = tell(
        course, "[[r.event_id, r.transport, r.latency_s(due), r.uncertainty_s] for r in client.receipts]"
    )
    assert [event_id for event_id, *_ in receipts] == [str(number) for number in range(1, 21)]
    assert {name for _, name, *_ in receipts} == {transport}
    assert [latency_s for _, _, latency_s, uncertainty_s in receipts if latency_s < -uncertainty_s] == []
    assert tell(course, "len(client.latencies_s)") == 20
    # The data are text, whatever they look like.
    course.page.get_by_role("row", name="20 something <b>happened</b>").filter(has_text=" ± ").wait_for()
    for theme in ("Light", "Dark"):
        lab_of_module.wear(theme)
        course.screenshot(f"browser-client-{transport}-{theme.lower()}", of=".rk-browser")

    press(course, "Disconnect")
    says(course, "Disconnected.")
    course.until(f"{SUBSCRIBERS} == 0 and {CONNECTIONS} == 0")
    course.ask("happen(5)")
    assert tell(course, "len(client.receipts)") == 20


def test_the_offset_of_the_clocks_is_what_another_way_of_asking_finds(course: Any) -> None:
    course.run_cell(2)
    course.until("client.uncertainty_s < 1")

    bounds = []
    for _ in range(20):
        # Page and kernel are on one machine here, so this process shares the kernel's clock.
        before_s = tell(course, "time.monotonic()")
        page_s = course.page.evaluate("() => performance.now()") / 1000
        after_s = tell(course, "time.monotonic()")
        bounds.append((before_s - page_s, after_s - page_s))
    low_s, high_s = max(low for low, _ in bounds), min(high for _, high in bounds)

    offset_s, uncertainty_s = tell(course, "[client.offset_s, client.uncertainty_s]")
    assert low_s - uncertainty_s <= offset_s <= high_s + uncertainty_s


def test_the_page_asks_below_the_base_url_and_its_credentials_stay_with_jupyter(
    course: Any, jupyter: Any
) -> None:
    with course.page.expect_request("**/proxy/**") as asked:
        course.run_cell(2)
    course.until(f"{SUBSCRIBERS} == 1")

    port = tell(course, "client.opening['port']")
    beginning, _, end = asked.value.url.partition(f"/proxy/{port}/")
    assert beginning + "/" == jupyter.url
    assert end.partition("/")[2] == "streaming/events"
    assert not {"authorization", "cookie", "x-xsrftoken"} & set(tell(course, "asked[-1]"))
    assert tell(course, "asked[-1]['host']") == tell(course, "site.url.authority")


def test_events_are_shown_while_a_cell_keeps_the_kernel_busy(course: Any) -> None:
    course.run_cell(2)
    course.until(f"{SUBSCRIBERS} == 1")
    shown = course.page.locator(".rk-figures").get_by_text("3", exact=True)
    busy = "for _ in range(3): happen()\nwhile not go_on.exists(): time.sleep(0.01)"
    course.ask("import pathlib, tempfile; go_on = pathlib.Path(tempfile.mkdtemp()) / 'go on'")
    go_on = Path(course.ask("print(go_on)"))

    course.begin(busy)
    shown.wait_for()
    go_on.touch()

    course.until("len(client.latencies_s) == 3")


def test_the_notebook_ends_what_it_has_started(course: Any) -> None:
    course.run_cell(2)
    says(course, "Connected by EventSource")
    course.until(f"{SUBSCRIBERS} == 1")

    course.ask("client.stop()")

    says(course, "Disconnected by the notebook.")
    course.until(f"{SUBSCRIBERS} == 0")


@pytest.mark.parametrize("transport", BUTTON)
def test_the_close_button_ends_the_connection_and_the_widget(course: Any, transport: str) -> None:
    course.run_cell(1)
    press(course, BUTTON[transport])
    course.until(f"{SUBSCRIBERS} == 1")

    press(course, "Close")

    course.until(f"{SUBSCRIBERS} == 0 and {CONNECTIONS} == 0")
    course.page.locator(".rk-browser").wait_for(state="detached")
    assert tell(course, "client.comm is None")


def test_running_its_cell_again_leaves_one_connection(course: Any) -> None:
    for _ in range(3):
        course.run_cell(2)
        says(course, "Connected by EventSource")
    course.until(f"{SUBSCRIBERS} == 1 and {CONNECTIONS} == 1")

    course.ask("happen()")

    course.until("len(client.receipts) == 1")
    assert course.page.locator(".rk-browser").count() == 1


def test_a_view_that_is_taken_away_ends_the_connection(course: Any) -> None:
    course.run_cell(2)
    course.until(f"{SUBSCRIBERS} == 1")

    course.command("notebook:clear-all-cell-outputs")

    course.until(f"{SUBSCRIBERS} == 0")


def test_a_page_that_is_left_ends_the_connection(course: Any, lab_of_module: Any) -> None:
    other = lab_of_module.open("course.ipynb")
    course.run_cell(2)
    course.until(f"{SUBSCRIBERS} == 1")

    course.page.goto("about:blank")
    other.until(f"{SUBSCRIBERS} == 0")

    other.page.close()
    course.page.go_back()
    lab_of_module.wait_for_kernel(course.page)


def test_what_the_server_ends_is_over(course: Any) -> None:
    course.run_cell(2)
    course.until(f"{SUBSCRIBERS} == 1")

    course.ask("site.stop()")

    says(course, "The server ended the stream.")
    course.until("'port' not in client.opening")


def test_it_ends_by_itself_after_the_time_that_was_agreed(course: Any) -> None:
    course.run_cell(1)
    course.ask("client._seconds = 0.5; client.start()")

    says(course, "Stopped after 0.5 s, as agreed.")

    course.until(f"{SUBSCRIBERS} == 0 and 'port' not in client.opening")


def test_without_a_site_it_says_that_there_is_no_connection(course: Any) -> None:
    course.run_cell(1)
    course.ask("site.stop()")

    press(course, BUTTON["streaming"])

    says(course, "No connection. Is the site up")
