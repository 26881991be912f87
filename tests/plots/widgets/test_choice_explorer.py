from dataclasses import replace

import pytest

from realtime_kit.errors import RealtimeKitError
from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets.choice_explorer import ChoiceExplorer
from realtime_kit.plots.widgets.choice_scene import COLUMNS, ChoiceScene
from realtime_kit.plots.widgets.choice_view import TRANSPORTS, Check, ChoiceView
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.life import parts
from realtime_kit.plots.widgets.predictions import Api, Surroundings, predict

pytestmark = pytest.mark.usefixtures("nothing_left")
LIMITS = {"clients": (1, 30), "rate_per_s": (1.0, 20.0), "interval_s": (0.2, 5.0)}


@pytest.fixture
def explorer(measurement):
    made = ChoiceExplorer(measurement, limits=LIMITS, api=Api())
    yield made
    made.close()


@pytest.fixture
def checked(pictures):
    api = Api(clients=20, rate_per_s=3.0)
    return ChoiceView(api, check=Check(api, pictures.finished_run()))


def scene_of(view):
    made = ChoiceScene()
    still_figure(lambda: made, view, LIGHT)
    return made


# The view


def test_before_a_check_theory_rests_on_what_is_usual():
    view = ChoiceView(Api())

    assert view.surroundings == Surroundings()
    assert view.predictions() == predict(Api(), Surroundings())
    assert view.measured() == {}


def test_after_a_check_theory_rests_on_what_it_has_measured(checked):
    assert checked.surroundings == Surroundings(0.003, 0.004, 0.01, 0.0001)


def test_what_was_measured_is_in_the_terms_of_the_predictions(checked):
    found = checked.measured()["long-polling"]

    assert found.latency.p99 == 0.03
    assert found.origin_requests_per_s == 61.0
    assert found.bytes_per_s == 90_000 / 5.0


# The picture


def test_every_transport_has_a_mark_for_every_question(checked):
    theory = scene_of(replace(checked, check=None))
    both = scene_of(checked)

    assert len(theory._marks.get_offsets()) == len(TRANSPORTS) * len(COLUMNS)
    assert len(both._marks.get_offsets()) == 2 * len(TRANSPORTS) * len(COLUMNS)


def test_marks_of_theory_are_hollow_and_measured_ones_are_not(checked):
    colours = scene_of(checked)._marks.get_facecolor()
    half = len(colours) // 2

    assert (colours[:half, :3] == 1).all()
    assert not (colours[half:, :3] == 1).all(axis=1).any()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.heading)
def test_a_value_has_its_place_on_an_axis_of_decades(column):
    low, high = column.ends
    places = [column.place_in(value) for value in (low / 10, low, (low * high) ** 0.5, high, 10 * high, 0.0)]

    assert places == pytest.approx(
        [
            column.left_in,
            column.left_in,
            column.left_in + column.width_in / 2,
            column.left_in + column.width_in,
            column.left_in + column.width_in,
            column.left_in,
        ]
    )


def test_the_axes_hold_whatever_the_sliders_can_say():
    for api in (Api(1, 0.001, 0.1, 10), Api(10_000, 100.0, 0.1, 10_000), Api(10_000, 0.001, 100.0, 10)):
        for prediction in predict(api, Surroundings()).values():
            for column in COLUMNS:
                assert all(value <= column.ends[1] for value in column.values(prediction))


def test_a_check_of_something_else_says_what_it_was(checked):
    moved = replace(checked, api=Api(clients=5000))

    assert (
        "solid: measured with 20 clients, 3 events/s of 100 B, polled every 5 s"
        in scene_of(moved)._numbers.text
    )


# The explorer


def test_after_a_check_that_failed_no_time_passes_any_more(explorer, measurement):
    measurement.outcome = RealtimeKitError("Pushpin has ended")
    measurement.reports = [Progress("measuring", 0.6, {})]
    measurement.go_on.set()
    with pytest.raises(RealtimeKitError):
        explorer.start().wait()

    assert explorer.status == "Pushpin has ended"
    assert explorer._view.share == 0.0


def test_every_slider_has_words_and_an_explanation(explorer):
    sliders = [each for each in parts(explorer.widget) if hasattr(each, "options")]

    assert [each.description for each in sliders] == [
        "Clients",
        "Events",
        "Polling interval",
        "Size of an event",
    ]
    assert all(each.tooltip for each in sliders)


def test_moving_a_slider_moves_theory_at_once(explorer):
    before = str(explorer.table())
    explorer.choose(clients=500)

    assert explorer.api.clients == 500
    assert "100" in str(explorer.table())
    assert str(explorer.table()) != before


def test_a_check_begins_by_moving_the_sliders_to_what_can_be_checked(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    measurement.go_on.set()
    explorer.choose(clients=5000, rate_per_s=0.01, interval_s=50, payload_bytes=1000)
    explorer.start().wait()

    assert measurement.settings == [Api(30, 1.0, 5.0, 1000)]
    assert explorer.api == Api(30, 1.0, 5.0, 1000)


def test_a_check_within_the_limits_moves_nothing(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    measurement.go_on.set()
    explorer.choose(clients=13, rate_per_s=3.0)
    explorer.start().wait()

    assert measurement.settings == [Api(13, 3.0, 5.0, 100)]


def test_the_button_checks_as_well(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    measurement.go_on.set()
    [button] = [each for each in parts(explorer.widget) if getattr(each, "description", "") == "Check it"]
    explorer.choose(clients=5000)
    button.click()
    explorer.wait()

    assert measurement.settings[0].clients == 30


def test_afterwards_the_table_has_both_and_the_run_is_there(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    measurement.go_on.set()
    explorer.start().wait()
    names = [row[0] for row in explorer.table().rows]

    assert names[:2] == ["polling, theory", "polling, measured"]
    assert len(names) == 2 * len(TRANSPORTS)
    assert explorer.run is measurement.outcome
    assert explorer.status.startswith("Checked with 20 clients")


def test_sliders_may_move_while_it_checks_and_the_check_keeps_its_own(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run()
    explorer.start()
    assert measurement.began.wait(20)
    explorer.choose(clients=5000)
    measurement.go_on.set()
    explorer.wait()

    assert explorer._view.check.api == Api()
    assert explorer.api.clients == 5000
