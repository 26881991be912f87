import threading
from collections import Counter
from types import SimpleNamespace

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.statistics_panel import StatisticsPanel
from realtime_kit.plots.widgets.statistics_scene import StatisticsScene
from realtime_kit.plots.widgets.statistics_view import MEAN_S, SAMPLE_S, STRIP_S, Sample, StatisticsView
from realtime_kit.pushpin import State
from realtime_kit.pushpin.statistics import Statistics

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def pushpin():
    statistics = Statistics(connections=3)
    statistics.subscriptions = {("news", "stream"): 2, ("news", "ws"): 1, ("<b>", "response"): 7}
    statistics.messages, statistics.receivers = Counter({"http-stream": 5}), Counter({"http-stream": 10})
    return SimpleNamespace(state=State.READY, statistics=statistics)


@pytest.fixture
def panel(pushpin):
    made = StatisticsPanel(pushpin)
    yield made
    made.close()


def sample(at_s, *, connections=0, delivered=0, subscriptions=None):
    return Sample(at_s, connections, subscriptions or {}, {}, {"http-stream": delivered})


def scene_of(view):
    made = StatisticsScene()
    still_figure(lambda: made, view, LIGHT)
    return made


def test_a_sample_is_a_copy(pushpin):
    taken = Sample.of(pushpin.statistics, 1.0)
    pushpin.statistics.subscriptions.clear()
    pushpin.statistics.receivers["http-stream"] += 1

    assert taken.subscribers("stream") == 2
    assert taken.receivers["http-stream"] == 10


def test_the_view_keeps_the_last_minute(pictures):
    view = StatisticsView()
    for number in range(1000):
        view = view.after(sample(number * SAMPLE_S))

    assert view.latest.at_s == 999 * SAMPLE_S
    assert STRIP_S <= -view.ago_s()[0] <= STRIP_S + MEAN_S + SAMPLE_S


def test_rates_are_means_over_the_last_seconds():
    view = StatisticsView()
    for number in range(41):  # ten deliveries a second for ten seconds, then none
        view = view.after(sample(number * SAMPLE_S, delivered=min(100, 5 * number)))
    rates = view.per_second("http-stream")

    assert rates[20] == pytest.approx(10)
    assert rates[20 + round(MEAN_S / SAMPLE_S / 2)] == pytest.approx(5)
    assert rates[-1] == 0
    assert view.per_second("ws-message") == [0] * 41


def test_lines_are_what_was_counted():
    view = StatisticsView()
    for number in range(5):
        view = view.after(sample(number, connections=number, subscriptions={("news", "ws"): 2}))
    lines = scene_of(view)._connections._lines

    assert lines["connections"].get_ydata().tolist() == [0, 1, 2, 3, 4]
    assert lines["connections"].get_xdata().tolist() == [-4, -3, -2, -1, 0]
    assert lines["websocket"].get_ydata().tolist() == [2] * 5


def test_axes_change_only_in_steps():
    scene = scene_of(StatisticsView((sample(0, connections=3),)))
    changes = [scene.update(StatisticsView((sample(0, connections=count),))) for count in (4, 4, 9, 8, 12, 3)]

    assert changes == [False, False, True, False, True, True]


def test_an_empty_view_can_be_drawn():
    assert scene_of(StatisticsView())._connections._names.text == ""


def test_it_looks_until_it_is_stopped(panel, pushpin):
    panel.start()
    panel.stop()
    panel.wait()

    assert panel._view.samples
    assert panel.status == "Not looking any more."


def test_it_looks_no_longer_than_it_was_told(pushpin):
    panel = StatisticsPanel(pushpin, seconds=0.01)
    panel.start().wait()
    panel.close()

    assert 1 <= len(panel._view.samples) <= 2


def test_it_ends_with_pushpin(panel, pushpin):
    looking = threading.Event()
    panel._change = lambda _: looking.set()
    panel.start()
    assert looking.wait(20)
    pushpin.state = State.STOPPED
    panel.wait()

    assert panel.status == "Pushpin is stopped."


def test_there_is_nothing_to_see_of_one_that_does_not_run(panel, pushpin):
    pushpin.state = State.NEW

    with pytest.raises(UsageError, match="nothing to see"):
        panel.start().wait()


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_it_looks_for_a_time_that_ends(pushpin, seconds):
    with pytest.raises(UsageError, match="a time above 0 that ends"):
        StatisticsPanel(pushpin, seconds=seconds)


def test_the_table_has_the_busiest_channels_first_and_is_safe(panel):
    panel.start()
    panel.stop()
    panel.wait()
    table = panel.table()

    assert table.rows[0] == ("<b>", "long-polling", "7")
    assert "&lt;b&gt;" in table.html()
    assert "<b>" not in table.html()
    assert "3 connections; 5 messages published for 10 receivers" in str(table)


def test_of_many_channels_only_some_are_shown(panel, pushpin):
    pushpin.statistics.subscriptions = {(f"channel-{number}", "ws"): 1 for number in range(100)}
    panel.start()
    panel.stop()
    panel.wait()

    assert len(panel.table().rows) == 12
    assert "88 more channels" in str(panel.table())
