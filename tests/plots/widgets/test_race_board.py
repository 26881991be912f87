import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets.race_board import RaceBoard
from realtime_kit.plots.widgets.race_scene import RaceScene, expected_requests
from realtime_kit.plots.widgets.race_view import DOTS, STRIP_S, RaceView

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def course(pictures):
    return pictures.COURSE


@pytest.fixture
def board(measurement, course):
    made = RaceBoard(measurement, course)
    yield made
    made.close()


def scene_of(view):
    from realtime_kit.plots.widgets.frames import still_figure

    made = []

    def make():
        made.append(RaceScene(view.course))
        return made[0]

    still_figure(make, view, LIGHT)
    return made[0]


def report(now_s, latency_s, *, due_s=None, received=1, **changes):
    """A report of one polling delivery for each latency."""
    due = tuple(now_s - each for each in latency_s) if due_s is None else due_s
    values = {"phase": "measuring", "share": 0.5, "received": {"polling": received}, "passed_s": now_s}
    values |= {"latencies_s": {"polling": tuple(latency_s)}, "due_s": {"polling": due}}
    return Progress(**(values | changes))


# The view


def test_deliveries_add_up_over_reports(course):
    view = RaceView(course).after(report(1.0, [0.5])).after(report(2.0, [0.25, 0.75]))

    assert view.latest("polling").latency_s.tolist() == [0.5, 0.25, 0.75]
    assert view.median_s["polling"] == 0.5


def test_the_picture_leaves_old_deliveries_behind(course):
    view = RaceView(course).after(report(1.0, [0.5])).after(report(1.0 + STRIP_S, [0.25]))

    assert view.latest("polling").latency_s.tolist() == [0.25]


def test_a_transport_of_which_nothing_came_has_no_median(course):
    view = RaceView(course).after(report(1.0, [0.5]))

    assert math.isnan(view.median_s["websocket"])


@pytest.mark.parametrize(
    "late",
    [Progress("settling", 1.0, {}), Progress("ending early", 0.6, {"polling": 3})],
    ids=["without numbers", "without a time"],
)
def test_a_report_from_outside_the_measuring_changes_no_numbers(course, late):
    view = RaceView(course).after(report(5.0, [0.5], received=3))
    after = view.after(late)

    assert after.share == late.share
    assert replace(after, share=view.share) != view  # views are compared by identity,
    assert (after.passed_s, after.received, after.recent) == (view.passed_s, view.received, view.recent)


def test_requests_are_counted_in_the_window_only(course):
    within = report(course.seconds, [0.5], origin_requests={"polling": 120})
    late = report(course.seconds + 5, [0.5], received=2, origin_requests={"polling": 150})
    view = RaceView(course).after(within).after(late)

    assert view.origin_requests == {"polling": 120}
    assert view.received == {"polling": 2}


def test_what_is_drawn_of_a_delivery_stays_so_while_it_is_in_the_picture(pictures):
    views = pictures.race_views()
    for earlier, later in pairwise(views[10:]):
        before, after = earlier.latest("polling"), later.latest("polling")
        kept = before.due_s > later.passed_s - STRIP_S
        old = zip(before.due_s[kept], before.shown[kept], strict=True)
        new = zip(after.due_s, after.shown, strict=True)
        assert all(one == other for one, other in zip(old, new, strict=False))


def test_no_more_dots_are_drawn_than_can_be_told_apart(pictures):
    busy = replace(pictures.COURSE, clients=200, rate_per_s=10.0)
    view = RaceView(busy)
    for each in pictures.reports(busy):
        view = view.after(each)
    dots = {name: int(recent.shown.sum()) for name, recent in view.recent.items()}

    assert all(DOTS / 3 < count < 1.5 * DOTS for count in dots.values())


def test_of_a_sample_no_fewer_dots_are_drawn_and_the_median_is_that_of_all(pictures):
    busy = replace(pictures.COURSE, clients=200, rate_per_s=10.0)
    whole = sampled = RaceView(busy)
    for number, report in enumerate(pictures.reports(busy)):
        stride = dict.fromkeys(busy.transports, 4 if number % 2 else 1)
        some = {
            field: {name: values[:: stride[name]] for name, values in getattr(report, field).items()}
            for field in ("latencies_s", "due_s")
        }
        whole, sampled = whole.after(report), sampled.after(replace(report, **some, stride=stride))

    for name in busy.transports:
        dots = [int(view.latest(name).shown.sum()) for view in (whole, sampled)]
        assert dots[1] == pytest.approx(dots[0], abs=2)
        assert sampled.median_s[name] == pytest.approx(whole.median_s[name], rel=0.05)
        assert sampled.latest(name).count == report.received[name]


# The picture


def test_dots_stand_at_due_time_and_latency(course):
    course = replace(course, clients=1)
    scene = scene_of(RaceView(course).after(report(10.0, [0.1], due_s=(8.0,))))
    [(x, y)] = scene._dots.points["polling"]

    assert x == pytest.approx(-2.0)
    assert 10**y == pytest.approx(0.1)


def test_latencies_beyond_the_axis_stand_on_its_edge(course):
    course = replace(course, clients=1)
    scene = scene_of(RaceView(course).after(report(100.0, [1e-6, 99.0], due_s=(99.0, 99.0))))
    heights = scene._dots.points["polling"][:, 1]

    assert heights.tolist() == [scene._low, scene._high]


def test_bars_are_as_long_as_requests_and_pale_where_they_were_in_vain(course):
    some = {"origin_requests": {"polling": 60, "websocket": 0}, "empty_responses": {"polling": 15}}
    scene = scene_of(RaceView(course).after(report(10.0, [0.5], **some)))
    asked, *_ = scene._bars.lengths
    news = scene._bars.lengths[4]

    assert news / asked == pytest.approx(0.75)
    assert asked * max(expected_requests(course, name) for name in course.transports) == pytest.approx(60)


def test_numbers_are_written_beside_the_bars(course):
    some = {
        "origin_requests": {"long-polling": 1234},
    }
    scene = scene_of(RaceView(course).after(report(10.0, [0.5], received=5678, **some)))

    assert "1,234" in scene._numbers.text
    assert "5,678 delivered" in scene._numbers.text


def test_medians_are_written_beside_the_dots_and_do_not_cover_one_another(pictures):
    scene = scene_of(pictures.race_views()[-1])
    heights = np.array([word.y for word in scene._names._words])

    assert sorted(word.text.split("  ")[0] for word in scene._names._words) == sorted(pictures.TRANSPORTS)
    assert np.diff(np.sort(heights)).min() > 0.07 * (scene._high - scene._low)


def test_theory_stands_there_before_anything_is_measured(course):
    assert expected_requests(course, "polling") == pytest.approx(30 * 20 / 5)
    assert expected_requests(course, "long-polling") == pytest.approx(30 * 2.5 * 20)
    assert expected_requests(course, "streaming") == 0


@pytest.mark.parametrize("transports", [("streaming",), ("polling",), ("long-polling", "websocket")])
def test_any_transports_can_race(pictures, transports):
    scene = scene_of(RaceView(replace(pictures.COURSE, transports=transports)))

    assert list(scene._dots.points) == list(transports)


@pytest.mark.parametrize(("interval_s", "rate_per_s"), [(0.05, 1000.0), (3600.0, 0.01), (5.0, 2.5)])
def test_any_course_can_be_drawn(pictures, interval_s, rate_per_s):
    course = replace(pictures.COURSE, interval_s=interval_s, rate_per_s=rate_per_s, clients=1000)
    scene = scene_of(RaceView(course).after(report(1.0, [0.5])))

    assert scene._low < scene._high


# The board


def test_it_follows_the_race_and_ends_with_its_run(board, measurement, pictures):
    measurement.reports = list(pictures.reports())[:20]
    measurement.outcome = pictures.finished_run()
    before = board.run
    measurement.go_on.set()
    run = board.start().wait()

    assert before is None
    assert board.run is run is measurement.outcome
    assert "trustworthy" in board.status


def test_while_it_runs_the_table_has_the_counters_so_far(board, measurement, pictures):
    measurement.reports = list(pictures.reports())[:20]
    measurement.outcome = RuntimeError("ended before it was done")
    measurement.go_on.set()
    with pytest.raises(RuntimeError):
        board.start().wait()
    table = str(board.table())

    assert f"{measurement.reports[-1].received['streaming']:,}" in table
    assert f"{measurement.reports[-1].origin_requests['long-polling']:,}" in table


def test_afterwards_table_and_figure_are_the_finished_run_s(board, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    measurement.go_on.set()
    live = tuple(board.figure().get_size_inches())
    board.start().wait()
    figure = board.figure()

    assert live == RaceScene.size_in
    assert tuple(figure.get_size_inches()) == (11, 6.2)
    assert board.table() is board.run


def test_a_second_race_begins_with_an_empty_picture(board, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    measurement.go_on.set()
    board.start().wait()
    measurement.go_on.clear()
    measurement.began.clear()
    board.start()
    assert measurement.began.wait(20)

    assert board.run is None
    board.stop()
    board.wait()
