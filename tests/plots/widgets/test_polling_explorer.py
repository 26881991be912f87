from dataclasses import replace

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.measurements import Ledger
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.life import parts
from realtime_kit.plots.widgets.polling_explorer import PollingExplorer
from realtime_kit.plots.widgets.polling_scene import PollingScene
from realtime_kit.plots.widgets.polling_view import POLLING, Measured, PollingSettings, PollingView
from realtime_kit.theory import polling

pytestmark = pytest.mark.usefixtures("nothing_left")
SETTINGS = PollingSettings(interval_s=2.0, clients=20, rate_per_s=0.5, seconds=20.0)


@pytest.fixture
def explorer(measurement):
    made = PollingExplorer(measurement, SETTINGS)
    yield made
    made.close()


@pytest.fixture
def measured(pictures):
    return pictures.polling_views()[-2].measured


def scene_of(view):
    made = PollingScene()
    still_figure(lambda: made, view, LIGHT)
    return made


def theory_line(scene):
    return np.column_stack(scene._theory.get_data())


# What was measured


def test_the_curve_is_the_share_of_deliveries_by_latency(pictures, measured):
    reports = list(pictures.reports(pictures.Course((POLLING,), 20, 0.5, 2.0, 20.0)))
    latencies = np.array([latency for report in reports for latency in report.latencies_s[POLLING]])
    at_s, shares = measured.curve().T
    exact = [(latencies <= at).mean() for at in at_s]

    assert measured.deliveries == len(latencies)
    assert np.abs(shares - exact).max() < 0.02
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert (np.diff(shares) >= 0).all()


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_quantiles_are_those_of_the_deliveries(pictures, measured, quantile):
    reports = list(pictures.reports(pictures.Course((POLLING,), 20, 0.5, 2.0, 20.0)))
    latencies = [latency for report in reports for latency in report.latencies_s[POLLING]]

    assert measured.quantiles_s(quantile)[0] == pytest.approx(np.quantile(latencies, quantile), abs=0.03)


def test_of_a_sample_all_deliveries_are_counted_and_the_curve_is_said_to_be_one_of_some(pictures, measured):
    course = pictures.Course((POLLING,), 20, 0.5, 2.0, 20.0)
    sampled = Measured(SETTINGS)
    for number, report in enumerate(pictures.reports(course)):
        stride = 1 if number < 40 else 4  # it grows busy
        some = {
            name: {POLLING: getattr(report, name)[POLLING][::stride]} for name in ("latencies_s", "due_s")
        }
        sampled = sampled.after(replace(report, **some, stride={POLLING: stride}))

    assert sampled.deliveries == measured.deliveries
    assert sampled.quantiles_s(0.5)[0] == pytest.approx(measured.quantiles_s(0.5)[0], abs=0.3)
    assert (measured.is_sampled, sampled.is_sampled) == (False, True)
    assert not sampled.finished(pictures.finished_run(POLLING)).is_sampled


def test_a_sample_is_named_in_the_picture_and_in_the_table(explorer, measured):
    view = PollingView(SETTINGS, replace(measured, sampled=4))

    assert "deliveries, one in 4 drawn" in scene_of(view)._remarks.text
    assert "one delivery in 4" in explorer._table(view)._repr_html_()
    assert "one delivery in" not in explorer._table(PollingView(SETTINGS, measured))._repr_html_()


def test_before_the_first_delivery_there_is_no_curve_and_no_quantile():
    nothing = Measured(SETTINGS)

    assert nothing.curve().shape == (0, 2)
    assert np.isnan(nothing.quantiles_s(0.5, 0.9)).all()


def test_requests_are_counted_over_the_window_only(pictures):
    report = next(pictures.reports(pictures.Course((POLLING,), 20, 0.5, 2.0, 20.0)))
    within = replace(report, passed_s=18.0, origin_requests={POLLING: 180}, empty_responses={POLLING: 45})
    late = replace(report, passed_s=22.0, origin_requests={POLLING: 220}, empty_responses={POLLING: 85})
    measured = Measured(SETTINGS).after(within).after(late)

    assert measured.requests_per_s == pytest.approx(10)
    assert measured.empty_fraction == pytest.approx(0.25)


def test_the_finished_run_s_figures_take_the_place_of_the_live_ones(pictures, measured):
    run = pictures.finished_run(POLLING)
    finished = measured.finished(run)

    assert finished.requests_per_s == run[POLLING].load.origin_requests_per_s
    assert finished.deliveries == run[POLLING].ledger.expected
    assert finished.curve()[:, 0].tolist() == list(run[POLLING].latency_curve_s)


def test_a_run_that_ended_before_anything_counts_has_no_curve(pictures, measured):
    run = pictures.finished_run(POLLING)
    empty = replace(run.results[0], latency_curve_s=(), ledger=Ledger(0, 0, 0, 0, 0, 0))
    finished = measured.finished(replace(run, results=(empty,)))
    assert finished.curve().shape == (0, 2)
    assert np.isnan(finished.quantiles_s(0.5)).all()
    scene_of(PollingView(SETTINGS, finished))


def test_a_lost_quantile_is_infinite(pictures, measured):
    run = pictures.finished_run(POLLING)
    curve = run[POLLING].latency_curve_s[:150] + (float("inf"),) * 51
    lost = replace(run, results=(replace(run[POLLING], latency_curve_s=curve),))

    assert measured.finished(lost).quantiles_s(0.5, 0.99)[1] == float("inf")


# The picture


@pytest.mark.parametrize("interval_s", [0.1, 2.0, 10.0])
def test_theory_is_the_uniform_law_and_stands_there_before_measuring(interval_s):
    scene = scene_of(PollingView(replace(SETTINGS, interval_s=interval_s)))
    law = polling.latency(interval_s=interval_s)

    assert theory_line(scene)[1:3].tolist() == [[law.min, 0], [law.max, 1]]
    assert not len(scene._measured.get_xdata())


def test_theory_of_the_costs_is_marked_and_written():
    scene = scene_of(PollingView(SETTINGS))

    assert scene._requests._mark.get_xdata()[0] == pytest.approx(10)
    assert scene._empty._mark.get_xdata()[0] == pytest.approx(np.exp(-1))
    assert scene._requests._numbers.text == "theory 10"
    assert scene._empty._numbers.text == "theory 36.8 %"


def test_measured_figures_stand_beside_theory(measured):
    scene = scene_of(PollingView(SETTINGS, measured))

    assert scene._requests._bar.lengths[0] == pytest.approx(measured.requests_per_s)
    assert scene._empty._bar.lengths[0] == pytest.approx(measured.empty_fraction)
    assert scene._requests._numbers.text.startswith("measured ")
    assert f"measured: {measured.deliveries:,} deliveries" in scene._remarks.text


def test_a_measurement_of_other_settings_says_which(measured):
    same = scene_of(PollingView(SETTINGS, measured))
    other = scene_of(PollingView(replace(SETTINGS, interval_s=5.0), measured))

    assert str(SETTINGS) not in same._remarks.text
    assert str(SETTINGS) in other._remarks.text


def test_axes_hold_both_what_is_expected_and_what_was_measured(measured):
    wide = scene_of(PollingView(replace(SETTINGS, interval_s=0.1, clients=100), measured))

    assert wide._curve.get_xlim()[1] >= SETTINGS.interval_s
    assert wide._requests.axes.get_xlim()[1] >= 1000


def test_only_other_ends_of_the_axes_draw_everything_anew(measured):
    scene = scene_of(PollingView(SETTINGS))

    assert not scene.update(PollingView(replace(SETTINGS, rate_per_s=1.0), measured))
    assert scene.update(PollingView(replace(SETTINGS, interval_s=10.0), measured))


# The explorer


def test_every_slider_has_words_and_an_explanation(explorer):
    sliders = [each for each in parts(explorer.widget) if hasattr(each, "options")]

    assert [each.description for each in sliders] == ["Polling interval", "Events", "Clients", "Measure for"]
    assert all(each.tooltip for each in sliders)


def test_moving_a_slider_moves_theory_at_once(explorer):
    explorer.choose(interval_s=5.0)

    assert explorer.settings == replace(SETTINGS, interval_s=5.0)
    assert "2.5 s" in str(explorer.table())


def test_moving_a_slider_in_the_browser_does_the_same(explorer):
    [slider] = [each for each in parts(explorer.widget) if getattr(each, "description", "") == "Clients"]
    slider.set_state({"index": 0})

    assert explorer.settings.clients == 1


def test_a_value_outside_is_refused(explorer):
    with pytest.raises(UsageError, match="Polling interval is 3600: allowed is 100 ms to 10 s"):
        explorer.choose(interval_s=3600)


def test_a_start_measures_with_what_the_sliders_say(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run(POLLING)
    measurement.go_on.set()
    explorer.choose(clients=5, seconds=10)
    explorer.start().wait()

    assert measurement.settings == [replace(SETTINGS, clients=5, seconds=10.0)]
    assert explorer.run is measurement.outcome


def test_sliders_may_move_while_it_measures(explorer, measurement, pictures):
    measurement.outcome = pictures.finished_run(POLLING)
    explorer.start()
    assert measurement.began.wait(20)
    explorer.choose(interval_s=5.0)
    measurement.go_on.set()
    explorer.wait()

    assert "Measured: 20 clients ask every 2 s" in str(explorer.table())
    assert explorer.settings.interval_s == 5.0


def test_the_way_back_that_was_measured_becomes_part_of_theory(explorer, measurement, pictures):
    measurement.outcome = run = pictures.finished_run(POLLING)
    measurement.go_on.set()
    explorer.start().wait()
    law = SETTINGS.latency(run[POLLING].measured_inputs["round_trip_s"] / 2)

    assert explorer._view.downstream_s == pytest.approx(0.002)
    assert law.min == pytest.approx(0.002)
