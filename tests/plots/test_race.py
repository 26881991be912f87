import math
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb
from matplotlib.text import Text

from realtime_kit.errors import UsageError
from realtime_kit.plots import DARK, LIGHT, race_figure
from realtime_kit.plots.latency_panel import theory_points
from realtime_kit.plots.style import look
from realtime_kit.quantities import LOST, Latency, Load

TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")


def flagged_everywhere(example):
    """A run with all that makes text long: losses, flags, a title of two lines."""
    return example.make_run(
        example.make_result("polling", lost=3, flags=[example.SLIP]),
        example.make_result("long-polling", count=40, flags=[example.FEW]),
        example.make_result("streaming", lost=1200, flags=[replace(example.SLIP, name="client-loop-lag")]),
        example.make_result("websocket", lost=700),
    )


def interrupted_early(example):
    """A run that was ended when nothing had been due to polling, and next to nothing to the others."""
    return example.make_run(
        example.make_result("polling", count=0, flags=[example.FEW, example.EARLY]),
        *(
            example.make_result(each, count=count, flags=[example.FEW, example.EARLY])
            for each, count in (("long-polling", 1), ("streaming", 2), ("websocket", 20))
        ),
    )


RUNS = {
    "all four": lambda example: example.make_run(),
    "one transport": lambda example: example.make_run(example.make_result("streaming")),
    "nothing due": lambda example: example.make_run(
        *(example.make_result(each, count=0) for each in TRANSPORTS), meta={}
    ),
    "all lost": lambda example: example.make_run(
        *(example.make_result(each, lost=1200) for each in TRANSPORTS)
    ),
    "flags and losses": flagged_everywhere,
    "interrupted early": interrupted_early,
    "equal results": lambda example: example.make_run(
        *(replace(example.make_result("streaming"), transport=each) for each in TRANSPORTS)
    ),
    "huge ranges": lambda example: example.make_run(
        example.make_result("polling", load=Load(123456789.0, 0.9995, 3.4e11)),
        example.make_result(
            "websocket", load=Load(1e-6, 1e-9, 0.5), latency_curve_s=(1e-7,) * 100 + (9e5,) * 101
        ),
    ),
    "nothing known of the load": lambda example: example.make_run(
        example.make_result("polling", load=Load())
    ),
    "no curve kept": lambda example: example.make_run(example.make_result("polling", latency_curve_s=())),
    "mathematics in a name": lambda example: example.make_run(
        example.make_result("a_1 $x^$ b"), example.make_result()
    ),
    "clocks that disagree": lambda example: example.make_run(
        example.make_result("polling", latency_curve_s=tuple(np.linspace(-0.1, 2.0, 201)))
    ),
    "no results": lambda example: replace(example.make_run(), results=()),
}
EVERY_RUN = pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)


def texts(figure):
    return [each for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()]


def words(figure):
    return "\n".join(each.get_text().replace("\N{NO-BREAK SPACE}", " ") for each in texts(figure))


def boxes(figure):
    figure.canvas.draw()
    shown = [(each.get_text(), Text.get_window_extent(each)) for each in texts(figure)]
    # Tick labels beyond the limits exist, but are not drawn.
    left, right = figure.axes[0].bbox.x0, figure.axes[0].bbox.x1
    unseen = {
        label.get_text()
        for tick, label in zip(*_ticks(figure.axes[0]), strict=True)
        if not left - 1 <= tick <= right + 1
    }
    return [(text, box) for text, box in shown if text not in unseen and box.width > 0]


def _ticks(axes):
    places = axes.get_xticks()
    return axes.transData.transform(np.column_stack([places, np.zeros(len(places))]))[
        :, 0
    ], axes.get_xticklabels()


def line(figure, label):
    return next(each for axes in figure.axes for each in axes.lines if each.get_label() == label)


def bars(figure, transport):
    return [p for axes in figure.axes[1:] for p in axes.patches if p.get_label() == f"{transport}, measured"]


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


@pytest.mark.parametrize("size_in", [(11, 6.2), (10, 5.8), (16, 9)])
@EVERY_RUN
def test_no_text_covers_another_or_leaves_the_paper(make, size_in, example):
    figure = race_figure(make(example), size_in=size_in)
    shown = boxes(figure)
    for text, box in shown:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text
    overlaps = [(a, b) for (a, one), (b, other) in combinations(shown, 2) if one.overlaps(other)]
    assert not overlaps


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@EVERY_RUN
def test_something_is_drawn_on_the_themes_paper(make, theme, example):
    picture = pixels(race_figure(make(example), theme=theme))
    paper = np.round(np.array(to_rgb(theme.background)) * 255)
    drawn = np.any(picture != paper, axis=2)
    assert not drawn[0].any(), "the margin is free"
    assert 0.01 < drawn.mean() < 0.5


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_transport_has_its_colour_in_pixels_on_both_sides(transport, example):
    picture = pixels(race_figure(example.make_run()))
    of_it = np.all(picture == np.round(np.array(to_rgb(LIGHT.colour(transport))) * 255), axis=2)
    middle = picture.shape[1] * 55 // 100
    assert of_it[:, :middle].sum() > 20
    assert of_it[:, middle:].sum() > 20


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_measured_is_solid_and_theory_dashed(transport, example):
    figure = race_figure(example.make_run())
    measured, theory = line(figure, f"{transport}, measured"), line(figure, f"{transport}, theory")
    assert measured.get_linestyle() == "-"
    assert same_color(measured.get_color(), LIGHT.colour(transport))
    assert theory.is_dashed()
    assert same_color(theory.get_color(), LIGHT.theory_colour(transport))


def test_the_measured_curve_holds_the_results_latencies_against_their_shares(example):
    result = example.make_result("polling")
    drawn = line(race_figure(example.make_run(result)), "polling, measured")
    assert tuple(drawn.get_xdata()) == result.latency_curve_s
    assert drawn.get_ydata()[0] == 0
    assert drawn.get_ydata()[-1] == 1


def test_marks_stand_at_the_percentiles_that_the_table_tells(example):
    result = example.make_result("polling")
    marks = line(race_figure(example.make_run(result)), "polling, percentiles")
    assert marks.get_marker() == look("polling").marker
    assert tuple(marks.get_xdata()) == (result.latency.p50, result.latency.p90, result.latency.p99)
    assert tuple(marks.get_ydata()) == (0.5, 0.9, 0.99)


def test_pollings_theory_is_straight_in_latency_and_goes_through_its_figures(example):
    law = example.LAWS["polling"]
    seconds, shares = theory_points(law).T
    np.testing.assert_allclose(seconds, law.min + shares * (law.max - law.min), rtol=1e-9)
    assert {0.0, 0.5, 0.9, 0.99, 1.0} <= set(shares)


def test_a_prediction_of_losses_ends_where_they_begin():
    seconds, shares = theory_points(Latency(mean=LOST, p50=1.0, p90=2.0, p99=LOST, max=LOST, min=0.5)).T
    assert shares.max() == 0.9
    assert np.isfinite(seconds).all()


def test_lost_deliveries_stop_the_curve_below_the_top_and_are_counted(example):
    figure = race_figure(example.make_run(example.make_result("streaming", lost=120)))
    assert line(figure, "streaming, measured").get_ydata()[-1] == pytest.approx(0.9)
    assert "120 lost" in words(figure)


def test_a_transport_that_lost_everything_has_no_curve_but_says_so(example):
    figure = race_figure(
        example.make_run(example.make_result("streaming", lost=1200), example.make_result("polling"))
    )
    labels = [each.get_label() for each in figure.axes[0].lines]
    assert "streaming, measured" not in labels
    assert "streaming: all 1,200 lost" in words(figure)


def test_the_latency_axis_begins_at_half_a_millisecond_and_holds_the_largest(example):
    left, right = race_figure(example.make_run()).axes[0].get_xlim()
    assert left == 0.5e-3
    assert right > max(example.make_result("polling").latency_curve_s)


def test_faster_deliveries_than_that_move_the_axis(example):
    fast = example.make_result("streaming", latency_curve_s=tuple(np.linspace(1e-4, 2e-4, 201)))
    assert race_figure(example.make_run(fast)).axes[0].get_xlim()[0] < 1e-4


def test_axes_have_names_and_units(example):
    axes = race_figure(example.make_run()).axes[0]
    assert "latency" in axes.get_xlabel()
    assert {"1 ms", "1 s"} <= {each.get_text() for each in axes.get_xticklabels()}
    assert [each.get_text() for each in axes.get_yticklabels()] == ["0 %", "25 %", "50 %", "75 %", "100 %"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_curve_carries_its_name_in_its_colour(transport, example):
    axes = race_figure(example.make_run()).axes[0]
    named = [each for each in axes.texts if each.get_text() == transport]
    assert [same_color(each.get_color(), LIGHT.colour(transport)) for each in named] == [True]


def test_curves_that_coincide_keep_their_names_apart(example):
    axes = race_figure(RUNS["equal results"](example)).axes[0]
    assert sorted(each.get_text() for each in axes.texts) == sorted(TRANSPORTS)


def test_there_is_no_legend_box(example):
    assert all(axes.get_legend() is None for axes in race_figure(example.make_run()).axes)


def test_bars_have_the_measured_lengths_and_theory_stands_where_it_should_end(example):
    figure = race_figure(example.make_run())
    assert [bar.get_width() for bar in bars(figure, "polling")] == [4.03, 0.00021, 131.4]
    theory = [
        each for axes in figure.axes[1:] for each in axes.lines if each.get_label() == "websocket, theory"
    ]
    assert [each.get_xdata()[0] for each in theory] == [0.0, 43.0]
    assert all(each.is_dashed() for each in theory)


def test_numbers_are_written_at_the_bars_and_a_dash_where_theory_is_silent(example):
    said = words(race_figure(example.make_run(example.make_result("polling"))))
    for expected in ("4.03", "0.021 %", "131 B", "theory 4", "theory <0.01 %", "theory –"):
        assert expected in said.splitlines()


def test_the_rows_of_all_columns_stand_level(example):
    columns = race_figure(example.make_run()).axes[1:]
    assert len({(axes.bbox.y0, axes.bbox.y1, axes.get_ylim()) for axes in columns}) == 1


def test_the_title_says_what_one_sees(example):
    polling, streaming = example.make_result("polling"), example.make_result("streaming")
    said = words(race_figure(example.make_run(polling, streaming)))
    assert "Half of all deliveries take 2 ms or less by streaming, 2.61 s by polling" in said


def test_the_title_compares_nothing_as_long_as_a_median_is_luck(example):
    said = words(race_figure(interrupted_early(example)))
    title = (
        "Too few deliveries to compare (0 by polling, 1 by long-polling, 2 by streaming): a median needs 20"
    )
    assert title in " ".join(said.split())
    assert "Half of all deliveries" not in said


def test_twenty_deliveries_are_enough_for_a_title(example):
    assert "Half of all deliveries" in words(
        race_figure(example.make_run(example.make_result("streaming", count=20)))
    )


def test_where_nothing_was_due_no_prediction_is_drawn(example):
    labels = [each.get_label() for each in race_figure(interrupted_early(example)).axes[0].lines]
    assert "polling, theory" not in labels
    assert "long-polling, theory" in labels


def test_the_footer_says_where_theory_comes_from(example):
    said = " ".join(words(race_figure(example.make_run())).split())
    assert "Theory for polling and long-polling: formulas with times measured in the same run" in said
    assert "for streaming and websocket: the median latency of a bare socket" in said


@pytest.mark.parametrize(
    ("lost", "title"),
    [(1200, "None of the deliveries ever came"), (700, "Most of the deliveries never came")],
)
def test_the_title_owns_up_to_losses(lost, title, example):
    assert title in words(race_figure(example.make_run(example.make_result(lost=lost))))


def test_the_footer_says_how_the_picture_knows(example):
    said = words(race_figure(example.make_run()))
    for expected in (
        "20 clients",
        "60 events",
        "2 events/s",
        "poisson arrivals",
        "polled every 5 s",
        "30 s of events",
        "seed 7",
        "Pushpin 1.41.0",
        "2 processors",
        "Verdict: trustworthy",
    ):
        assert expected in said


def test_a_run_that_knows_little_of_itself_claims_little(example):
    said = words(race_figure(example.make_run(meta={"seed": 0, "config": None})))
    assert "20 clients  ·  60 events  ·  seed 0" in said
    assert "Pushpin" not in said


def test_a_doubtful_run_names_its_flags_and_whom_they_concern(example):
    run = example.make_run(example.make_result("polling", flags=[example.SLIP]), example.make_result())
    said = words(race_figure(run))
    assert "publisher-slip (polling)" in said
    assert "trustworthy" not in said


def test_an_empty_run_is_not_called_trustworthy(example):
    assert "Verdict: none" in words(race_figure(RUNS["nothing due"](example)))


def test_a_figure_too_small_for_its_type_is_refused(example):
    with pytest.raises(UsageError, match=r"size_in is \(4, 3\)"):
        race_figure(example.make_run(), size_in=(4, 3))


def test_the_reader_s_own_matplotlib_style_does_not_show_through(example):
    plain = pixels(race_figure(example.make_run()))
    with mpl.rc_context(mpl.style.library["dark_background"] | {"axes.grid": True, "lines.marker": "x"}):
        styled = pixels(race_figure(example.make_run()))
    assert np.array_equal(plain, styled)


def test_drawing_needs_no_pyplot():
    code = (
        "import sys, realtime_kit.plots as plots\n"
        "from realtime_kit.measurements import Run\n"
        "plots.race_figure(Run('race', '', {}, ())).canvas.draw()\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, timeout=60).returncode == 0
    )


def test_infinite_values_never_reach_the_canvas(example):
    figure = race_figure(flagged_everywhere(example))
    for each in figure.axes[0].lines:
        assert all(math.isfinite(value) for value in np.ravel(each.get_xydata()))
