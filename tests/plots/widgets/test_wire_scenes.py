"""The pictures of what was on the wire: the same live and still, light and dark, with all they have to say."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from realtime_kit.plots.style import DARK, LIGHT, Theme
from realtime_kit.plots.widgets.frames import Frames, still_figure, still_png
from realtime_kit.plots.widgets.history_timeline import HistoryTimeline
from realtime_kit.plots.widgets.history_timeline_scene import HistoryScene
from realtime_kit.plots.widgets.lettering import Lettering
from realtime_kit.plots.widgets.long_poll_microscope import LongPollMicroscope
from realtime_kit.plots.widgets.long_poll_microscope_scene import LongPollScene
from realtime_kit.plots.widgets.spans import Spans

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
KINDS = pytest.mark.parametrize("kind", ["long_polls", "history"])


def scene_of(kind: str) -> Callable[[], Any]:
    return (lambda: LongPollScene(2)) if kind == "long_polls" else (lambda: HistoryScene(2))


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int64)


def words(figure: Any) -> str:
    texts = [each.get_text() for each in figure.findobj(Text)]
    return " | ".join([*texts, *(each.text for each in figure.findobj(Lettering))])


@THEMES
@KINDS
def test_a_frame_after_others_is_the_still_of_its_view(wire: ModuleType, kind: str, theme: Theme) -> None:
    view_of, scene = getattr(wire, kind), scene_of(kind)
    frames = Frames(scene, theme)
    frames.png(view_of([]))
    frames.png(view_of())
    frames.png(view_of([]))
    last = pixels(frames.png(view_of()))
    still = pixels(still_png(still_figure(scene, view_of(), theme), theme))
    assert np.abs(last - still).max() <= 24  # edges may differ by a shade
    assert np.abs(last - pixels(frames.png(view_of([])))).max() > 100


@THEMES
@KINDS
def test_nothing_is_written_outside_the_figure(wire: ModuleType, kind: str, theme: Theme) -> None:
    figure = still_figure(scene_of(kind), getattr(wire, kind)(), theme)
    figure.canvas.draw()
    box = figure.bbox
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            place = text.get_window_extent()
            assert place.x0 >= box.x0, text
            assert place.x1 <= box.x1, text
            assert place.y0 >= box.y0, text
            assert place.y1 <= box.y1, text


@KINDS
def test_a_view_draws_the_same_frame_whatever_was_drawn_before(wire: ModuleType, kind: str) -> None:
    view_of, scene = getattr(wire, kind), scene_of(kind)
    used, fresh = Frames(scene, LIGHT), Frames(scene, LIGHT)
    used.png(view_of([]))
    used.png(view_of())
    used.png(view_of([]))
    assert used.png(view_of()) == fresh.png(view_of())


@THEMES
@KINDS
def test_nothing_touches_the_edge_of_the_picture(wire: ModuleType, kind: str, theme: Theme) -> None:
    frame = pixels(Frames(scene_of(kind), theme).png(getattr(wire, kind)()))
    edges = [frame[:4].reshape(-1, 3), frame[-4:].reshape(-1, 3), frame[:, :4].reshape(-1, 3)]
    edges.append(frame[:, -4:].reshape(-1, 3))
    assert (np.concatenate(edges) == frame[1, 1]).all()


def test_bars_end_where_holds_end_and_an_open_one_now(wire: ModuleType) -> None:
    figure = still_figure(lambda: LongPollScene(2), wire.long_polls(), LIGHT)
    spans = figure.findobj(Spans)[0].spans
    bars = [(left, right) for row, left, right in spans if row == 0]
    np.testing.assert_allclose(bars, [(0.01, 2.0), (2.05, 4.0), (4.1, 5.0)])


def test_the_second_request_and_the_windows_are_in_words(wire: ModuleType) -> None:
    said = words(still_figure(lambda: LongPollScene(2), wire.long_polls(), LIGHT))
    assert "2 second requests, 1.09 s after the first hold" in said
    assert "100 ms" in said
    assert "88 ms" in said
    assert "comes with the first event" not in said


def test_repeats_differ_in_form_and_colour(wire: ModuleType) -> None:
    figure = still_figure(lambda: LongPollScene(2), wire.long_polls(), LIGHT)
    lines = {len(line.get_xdata()): line for line in figure.axes[0].lines if line.get_linestyle() == "None"}
    asked, repeated = lines[4], lines[3]
    assert asked.get_marker() != repeated.get_marker()
    assert asked.get_color() != repeated.get_color()


def test_what_the_x_ray_has_not_kept_is_not_said_to_have_reached_everybody(wire: ModuleType) -> None:
    async def never(*_: Any) -> Any:
        raise NotImplementedError

    microscope = LongPollMicroscope(never, clients=2, until_s=6.0, theme=LIGHT)
    try:
        said = str(microscope._table(replace(wire.long_polls(), dropped=1_200)))
    finally:
        microscope.close()
    assert "1,200 are gone" in said
    assert "every one reached" not in said


def test_pages_and_the_return_are_in_words(wire: ModuleType) -> None:
    said = words(still_figure(lambda: HistoryScene(2), wire.history(), LIGHT))
    for text in ("page 1", "page 3", "2 events", "from here on live", "away", "resumes after 7", "1 page"):
        assert text in said


def test_tables_have_the_numbers_of_the_pictures(wire: ModuleType) -> None:
    async def never(*_: Any) -> Any:
        raise NotImplementedError

    microscope = LongPollMicroscope(never, clients=2, until_s=6.0, theme=LIGHT)
    timeline = HistoryTimeline(never, page_events=2, until_s=6.0, events_until=12, theme=LIGHT)
    try:
        polls, stream = str(microscope._table(wire.long_polls())), str(timeline._table(wire.history()))
    finally:
        microscope.close()
        timeline.close()
    assert "asked the origin 7 times: 4 to pass on a client's question, 3 by itself" in polls
    assert "3 events happened, and every one reached every client." in polls
    assert "asked the origin 4 times: 2 for a request of the client, 2 to follow a next link." in stream
    assert "10 events came, 7 from history and 3 live; no id is missing and none came twice." in stream
