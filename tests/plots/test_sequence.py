"""A sequence of messages as a picture and as a table."""

import re
from html.parser import HTMLParser
from io import StringIO
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from rich.console import Console
from wsproto.frame_protocol import FrameProtocol

from realtime_kit.errors import UsageError
from realtime_kit.plots import DARK, LIGHT, draw_sequence, sequence_figure, sequence_html, sequence_table
from realtime_kit.plots.sequence import draw_newest
from realtime_kit.plots.sequence_paper import StillPaper
from realtime_kit.plots.sequence_rows import Away, client_lanes, one_line, sequence_rows
from realtime_kit.plots.widgets.live_paper import LivePaper
from realtime_kit.taps import XRay
from realtime_kit.taps.x_ray.dialogue import Dialogue, Utterance
from realtime_kit.taps.x_ray.telling import Told

OPENER, ACCEPTOR = True, False


class Wires:
    """What taps would have seen, without a wire: bytes go through the real decoders."""

    def __init__(self):
        self.x_ray = XRay()
        self._dialogues = {}
        self._exchanges = iter(range(1, 10_000))
        self.now_s = 0.0

    def says(self, leg, connection, from_opener, data, *, after_s=0.001):
        self.now_s += after_s
        at_ns = round(self.now_s * 1e9)
        if connection not in self._dialogues:
            self._dialogues[connection] = Dialogue(lambda: next(self._exchanges), publishes=leg == "publish")
            self.tells(leg, connection, Utterance(True, Told("opened", "opens a connection"), None))
        for utterance in self._dialogues[connection].received(data, from_opener=from_opener):
            self.x_ray._record(leg, utterance, connection, at_ns)

    def tells(self, leg, connection, utterance):
        self.x_ray._record(leg, utterance, connection, round(self.now_s * 1e9))

    def closes(self, connection, *, from_opener=OPENER):
        exchange = self._dialogues[connection].exchange
        told = Told("closed", "closes the connection")
        self.tells("client", connection, Utterance(from_opener, told, exchange, last=True))

    def asks(self, connection, target, *headers, leg="client", method="GET", body=b"", after_s=0.001):
        lines = [f"{method} {target} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *headers, "", ""]
        self.says(leg, connection, OPENER, "\r\n".join(lines).encode() + body, after_s=after_s)

    def answers(self, connection, *headers, leg="client", status="200 OK", body=b"", after_s=0.001):
        length = [] if status.startswith("101") else [f"Content-Length: {len(body)}"]
        lines = [f"HTTP/1.1 {status}", *length, *headers, "", ""]
        self.says(leg, connection, ACCEPTOR, "\r\n".join(lines).encode() + body, after_s=after_s)

    def exchanged(self, client, origin, target="/a", *, hold=()):
        """A client's request that reaches the origin, and what that answers to Pushpin."""
        self.asks(client, target)
        self.asks(origin, target, leg="origin")
        self.answers(origin, *hold, leg="origin", body=b"body")

    @property
    def messages(self):
        return self.x_ray.messages()


HOLD = ("Grip-Hold: response", "Grip-Channel: news; prev-id=3; filter=skip-users", "Grip-Timeout: 25")
STREAM = ("Grip-Hold: stream", "Grip-Channel: news")
ITEM = b'{"items":[{"channel":"news","id":"4","prev-id":"3","formats":{"http-stream":{"content":"hi"}}}]}'
KEY = "Sec-WebSocket-Key: eA=="
EVENTS = "Content-Type: application/websocket-events"


def plain():
    wires = Wires()
    wires.exchanged(1, 2)
    wires.answers(1, body=b"body")
    return wires


def long_poll():
    wires = Wires()
    wires.exchanged(1, 2, "/poll", hold=HOLD)
    wires.asks(2, "/poll", "Grip-Last: news; last-id=3", leg="origin", after_s=1.05)
    wires.answers(2, *HOLD, leg="origin")
    wires.asks(3, "/publish/", leg="publish", method="POST", body=ITEM, after_s=0.4)
    wires.answers(3, leg="publish", body=b"Published\n")
    wires.answers(1, body=b'{"events": [{"id": 4, "data": "hi"}]}')
    return wires


def stream():
    wires = Wires()
    wires.asks(1, "/s")
    wires.asks(2, "/s", leg="origin")
    wires.answers(2, "Grip-Link: </s?page=2>; rel=next", leg="origin", body=b"one")
    wires.says("client", 1, ACCEPTOR, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    wires.asks(2, "/s?page=2", leg="origin")
    wires.answers(2, *STREAM, leg="origin")
    wires.says("client", 1, ACCEPTOR, b"a\r\ndata: hi\n\n\r\n", after_s=3)
    return wires


def chat():
    wires = Wires()
    wires.asks(1, "/chat", "Upgrade: websocket", "Connection: Upgrade", KEY)
    wires.asks(2, "/chat", KEY, EVENTS, leg="origin", method="POST", body=b"OPEN\r\n")
    wires.answers(2, EVENTS, leg="origin", body=b"OPEN\r\n")
    wires.answers(1, "Upgrade: websocket", "Connection: Upgrade", status="101 Switching Protocols")
    wires.says("client", 1, OPENER, bytes(FrameProtocol(client=True, extensions=[]).send_data("hi", True)))
    wires.asks(2, "/chat", KEY, EVENTS, leg="origin", method="POST", body=b"TEXT 2\r\nhi\r\n")
    wires.answers(2, EVENTS, leg="origin", body=b"TEXT 4\r\nm:hi\r\n")
    wires.says("client", 1, ACCEPTOR, bytes(FrameProtocol(client=False, extensions=[]).ping(b"")))
    return wires


def crowd():
    """More clients than lanes, all held at once, two of them gone."""
    wires = Wires()
    for client in range(1, 8):
        wires.exchanged(client, 100, f"/poll?client={client}", hold=STREAM if client % 2 else HOLD)
    wires.closes(1)
    wires.answers(2, body=b"x" * 500)
    return wires


def long_words():
    wires = Wires()
    wires.exchanged(
        1, 2, "/" + "a-very-long-path/" * 20, hold=("Grip-Hold: stream", f"Grip-Channel: {'n' * 300}")
    )
    wires.exchanged(3, 2, "/$x_1$&<b>", hold=STREAM)
    wires.tells("origin", 2, Utterance(True, Told("not understood", "not understood", (), "no " * 90), None))
    return wires


SCENES = {each.__name__: each for each in (Wires, plain, long_poll, stream, chat, crowd, long_words)}
EVERY_SCENE = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)


def rows_of(messages):
    return sequence_rows(messages, newest=1000).rows


def texts(figure):
    return [each for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()]


def words(figure):
    return [each.get_text() for each in texts(figure)]


def lines(figure, *, dashed=None, colour=None):
    """Shafts of arrows."""
    found = [each for each in figure.axes[0].lines if len(set(each.get_ydata())) == 1 < len(each.get_xdata())]
    found = [each for each in found if each.get_linewidth() > 1]
    return [
        each
        for each in found
        if (dashed is None or each.is_dashed() == dashed)
        and (colour is None or same_color(each.get_color(), colour))
    ]


def markers(figure, marker):
    return [each for each in figure.axes[0].lines if each.get_marker() == marker]


def bars(figure):
    return [each for each in figure.axes[0].patches if isinstance(each, Rectangle)]


@pytest.mark.parametrize("width_in", [9, 11, 16])
@EVERY_SCENE
def test_no_words_cover_others_or_leave_the_paper(scene, width_in):
    figure = sequence_figure(scene().messages, width_in=width_in, newest=30)
    shown = [(each.get_text(), Text.get_window_extent(each)) for each in texts(figure)]
    for text, box in shown:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text
    overlaps = [(a, b) for (a, one), (b, other) in combinations(shown, 2) if one.padded(-0.5).overlaps(other)]
    assert not overlaps


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@EVERY_SCENE
def test_something_is_drawn_on_the_themes_paper(scene, theme):
    figure = sequence_figure(scene().messages, theme=theme)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    drawn = np.any(picture != np.round(np.array(to_rgb(theme.background)) * 255), axis=2)
    assert not drawn[0].any(), "the margin is free"
    assert 0.001 < drawn.mean() < 0.5


def test_every_message_that_tells_something_has_its_arrow_and_its_title():
    wires = long_poll()
    figure = sequence_figure(wires.messages)
    told = [each for each in wires.messages if each.kind != "opened"]
    assert len(lines(figure)) == len(told) == 8
    for message in told:
        assert message.title in words(figure)
    assert len(lines(figure, dashed=True)) == sum(each.kind == "response" for each in told)


def test_arrows_run_down_in_equal_steps_whatever_time_has_passed():
    heights = [each.get_ydata()[0] for each in lines(sequence_figure(stream().messages))]
    steps = np.diff(heights)
    assert np.allclose(steps, steps[0])
    assert steps[0] > 0


def test_the_margin_says_when():
    shown = [text for text in words(sequence_figure(long_poll().messages)) if text.endswith(" s")]
    assert shown[:4] == ["0.000 s", "0.001 s", "0.002 s", "1.052 s"]


def test_colour_and_mark_are_those_of_the_transport():
    for scene, transport, marker in (
        (long_poll, "long-polling", "s"),
        (stream, "streaming", "^"),
        (chat, "websocket", "D"),
    ):
        figure = sequence_figure(scene().messages)
        colour = LIGHT.colour(transport)
        assert lines(figure, colour=colour), transport
        assert any(same_color(each.get_markerfacecolor(), colour) for each in markers(figure, marker))
        assert transport in words(figure)
    assert len(lines(sequence_figure(plain().messages), colour=LIGHT.text)) == 4


def test_a_request_of_pushpins_own_says_so_and_begins_with_a_ring():
    figure = sequence_figure(long_poll().messages)
    (ring,) = markers(figure, "o")
    assert same_color(ring.get_markerfacecolor(), LIGHT.background)
    assert any("no client asked: repeats its request" in text for text in words(figure))
    assert not markers(sequence_figure(plain().messages), "o")


def test_a_hold_is_a_bar_from_the_instruction_to_the_answer():
    figure = sequence_figure(long_poll().messages)
    heights = [each.get_ydata()[0] for each in lines(figure)]
    (bar,) = bars(figure)
    assert bar.get_y() == pytest.approx(heights[2])
    assert bar.get_y() + bar.get_height() == pytest.approx(heights[-1])
    assert any(text.startswith("held 1.45 s · ") for text in words(figure))


def test_a_hold_that_goes_on_reaches_the_end_of_the_lifeline():
    figure = sequence_figure(stream().messages)
    heights = [each.get_ydata()[0] for each in lines(figure)]
    (bar,) = bars(figure)
    assert bar.get_y() + bar.get_height() > heights[-1]


def test_a_hold_from_before_begins_at_the_top():
    (bar,) = bars(sequence_figure(long_poll().messages, newest=3))
    (whole,) = bars(sequence_figure(long_poll().messages))
    assert bar.get_height() < whole.get_height()
    assert not bars(sequence_figure([*long_poll().messages, *later(plain())], newest=2))


def later(wires):
    """Its messages as if they came after all others, with connections and exchanges of their own."""
    from dataclasses import replace

    return [
        replace(
            each,
            at_ns=each.at_ns + 10**10,
            connection=each.connection + 100,
            exchange=each.exchange and each.exchange + 100,
        )
        for each in wires.messages
    ]


def test_holds_at_the_same_time_stand_side_by_side():
    found = bars(sequence_figure(crowd().messages, newest=40))
    assert len(found) == 7
    assert len({round(each.get_x(), 3) for each in found}) == 5  # from the fifth on they share a place


def test_the_newest_are_drawn_and_the_others_counted():
    figure = sequence_figure(long_poll().messages, newest=3)
    assert len(lines(figure)) == 3
    assert "5 earlier messages are left out" in words(figure)
    assert "1 earlier message is left out" in words(sequence_figure(long_poll().messages, newest=7))
    assert not any("left out" in text for text in words(sequence_figure(long_poll().messages, newest=8)))


def test_a_figure_of_a_given_size_takes_as_many_as_have_room():
    figure = Figure(figsize=(11, 4), dpi=100)
    for _ in range(2):  # what was there before is gone
        draw_sequence(figure, crowd().messages, DARK)
        drawn = len(lines(figure))
        assert 3 <= drawn <= 8
        assert f"{len(rows_of(crowd().messages)) - drawn} earlier messages are left out" in words(figure)
    assert same_color(figure.get_facecolor(), DARK.background)
    draw_sequence(figure, [], LIGHT)
    assert "nothing has been seen yet" in words(figure)


def test_long_titles_are_cut_not_squeezed():
    figure = sequence_figure(long_words().messages)
    assert sum(text.endswith("…") for text in words(figure)) >= 4
    assert "GET /$x_1$&<b>" in words(figure)


def test_clients_can_have_names_and_a_long_one_is_cut():
    figure = sequence_figure(crowd().messages, newest=40, names=("Ada", "Christopher Robin", "Cy"))
    assert {"Ada", "Chris…", "Cy+"} <= set(words(figure))
    assert not any(text.startswith("client") for text in words(figure))


@pytest.mark.parametrize("names", [("Ada", "Ada"), ("Pushpin",), ("Ada", "origin")])
def test_two_lifelines_with_one_name_are_refused(names):
    with pytest.raises(UsageError, match="every name has to be another one"):
        sequence_figure(chat().messages, names=names)


def without_origin(messages, *, from_s, until_s, theme=LIGHT, newest=30):
    figure = Figure(figsize=(11, 9), dpi=100)
    away = Away(round(from_s * 1e9), None if until_s is None else round(until_s * 1e9))
    draw_sequence(figure, messages, theme, newest=newest, away=[away])
    return figure


def hollow(figure, theme=LIGHT):
    return [each for each in bars(figure) if same_color(each.get_facecolor(), theme.background)]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_time_without_an_origin_is_hollow_beside_what_happens_in_it(theme):
    messages = chat().messages
    figure = without_origin(
        messages, from_s=0.0045, until_s=0.0055, theme=theme
    )  # the client speaks at 0.005
    heights = [each.get_ydata()[0] for each in lines(figure)]
    (gap,) = hollow(figure, theme)
    assert heights[3] < gap.get_y() < heights[4] < gap.get_y() + gap.get_height() < heights[5]
    assert "no origin for 1 ms" in words(figure)
    assert any("hollow: no origin" in text for text in words(figure))


def test_one_that_goes_on_reaches_the_end_of_the_lifeline():
    figure = without_origin(chat().messages, from_s=0.0075, until_s=None)
    (gap,) = hollow(figure)
    assert gap.get_y() + gap.get_height() > max(each.get_ydata()[0] for each in lines(figure))
    assert "no origin" in words(figure)


def test_one_in_which_nothing_happens_stands_between_two_rows_and_has_no_words():
    figure = without_origin(chat().messages, from_s=0.0042, until_s=0.0044)
    heights = [each.get_ydata()[0] for each in lines(figure)]
    (gap,) = hollow(figure)
    assert heights[3] < gap.get_y() < gap.get_y() + gap.get_height() < heights[4]
    assert not any("no origin for" in text for text in words(figure))


def test_one_that_ended_before_what_is_drawn_is_not():
    assert not hollow(without_origin(chat().messages, from_s=0.001, until_s=0.002, newest=3))
    assert not hollow(without_origin([], from_s=0, until_s=None))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(UsageError, match="width_in is 5: a sequence needs at least 9 inches"):
        sequence_figure([], width_in=5)
    for draw in (sequence_figure, sequence_table, sequence_html):
        with pytest.raises(UsageError, match="newest is 0"):
            draw([], newest=0)


# Rows


def test_connections_that_exist_together_are_different_clients_and_later_ones_take_their_place():
    wires = Wires()
    wires.exchanged(1, 9)
    wires.exchanged(2, 9)
    wires.closes(1)
    wires.exchanged(3, 9)
    wires.exchanged(4, 9)
    assert client_lanes(wires.messages) == {1: 0, 2: 1, 3: 0, 4: 2}
    senders = [row.sender for row in rows_of(wires.messages) if row.message.leg == "client"]
    assert senders == ["client 1", "client 2", "client 1", "client 1", "client 3"]


def test_clients_beyond_the_third_lane_share_it():
    senders = {row.sender for row in rows_of(crowd().messages) if row.message.kind == "request"}
    assert senders == {"client 1", "client 2", "client 3+", "Pushpin"}


def test_only_an_end_that_ends_something_is_told():
    wires = stream()
    wires.closes(1)
    assert rows_of(wires.messages)[-1].title == "closes the connection"
    wires = plain()
    wires.closes(1)
    assert rows_of(wires.messages)[-1].title == "200 OK, 4 B"


def test_remarks_say_what_titles_leave_out():
    remarks = {row.title: row.remark for row in rows_of(long_poll().messages)}
    assert (
        remarks["200, hold response on news"] == "channel news (prev-id 3, filter skip-users) · timeout 25 s"
    )
    assert remarks["publish to news"] == "hi · id 4 · prev-id 3 · as http-stream"
    (own,) = [row for row in rows_of(long_poll().messages) if row.is_own]
    assert own.remark == "no client asked: repeats its request · last news up to 3"
    assert own.why == "Pushpin's own: repeats request 2"
    assert [row.remark for row in rows_of(chat().messages)][-2:] == ["m:hi", ""]


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        ('{"http-stream":{"content":"hi"},"ws-message":{"content":"hi"}}', "as http-stream, ws-message"),
        (
            '{"http-response":{"body":"hi"},"http-stream":{"content":"hi"},"ws-message":{"content":"hi"}}',
            "in every format",
        ),
    ],
)
def test_all_formats_together_need_no_list(formats, said):
    wires = Wires()
    item = f'{{"items":[{{"channel":"news","formats":{formats}}}]}}'.encode()
    wires.asks(1, "/publish/", leg="publish", method="POST", body=item)
    assert rows_of(wires.messages)[0].remark.endswith(said)


@pytest.mark.parametrize(
    ("text", "line"), [("", ""), ("\n\n", ""), ("a", "a"), ("id: 1\ndata: a\r\n\r\n", "id: 1 ↵ data: a")]
)
def test_a_text_on_one_line(text, line):
    assert one_line(text) == line


# Tables


def printed(messages, *, width=120, **options):
    console = Console(width=width, file=StringIO())
    console.print(sequence_table(messages, **options))
    return console.file.getvalue()


@EVERY_SCENE
def test_the_table_has_the_pictures_words(scene):
    rows = rows_of(scene().messages)
    text = re.sub(r"\s+", "", printed(scene().messages, width=800))
    for row in rows:
        for part in (row.at, row.sender, row.receiver, row.title, row.remark):
            assert re.sub(r"\s+", "", part) in text
    assert "\x1b" not in text


def test_the_table_fits_into_a_terminal_and_says_what_is_missing():
    text = printed(long_poll().messages, width=80, newest=2, dropped=7)
    assert max(map(len, text.splitlines())) <= 80
    assert "6 earlier messages are left out; 7 earlier ones were dropped" in text


class Cells(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_html_has_headings_for_columns_and_rows_and_no_colours_of_its_own():
    html = sequence_html(long_poll().messages)
    tags = Cells(html).tags
    assert [each for each in tags if each[0] == "caption"]
    assert len([1 for tag, attributes in tags if tag == "th" and attributes.get("scope") == "row"]) == 8
    assert len([1 for tag, attributes in tags if tag == "th" and attributes.get("scope") == "col"]) == 5
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb", html)
    assert "background:transparent" in html


def test_what_was_on_the_wire_cannot_become_part_of_the_page():
    wires = Wires()
    evil = "<script>alert(1)</script>"
    wires.asks(1, f"/{evil}", f"Last-Event-ID: {evil}", method="POST", body=evil.encode())
    html = sequence_html(wires.messages)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 4


def test_every_decoded_part_is_behind_the_remark():
    texts = "\n".join(Cells(sequence_html(long_poll().messages)).texts)
    for part in ("Grip-Timeout", "25 s", "why", "Pushpin's own: repeats request 2", "channel", "http-stream"):
        assert part in texts


def test_the_x_ray_shows_itself():
    x_ray = long_poll().x_ray
    assert str(x_ray) == printed(x_ray.messages())
    assert x_ray._repr_html_() == sequence_html(x_ray.messages())
    assert str(XRay()) == "nothing has been seen yet\n"


# The same, drawn again and again


def drawn(figure):
    """Its pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(np.int16)


@EVERY_SCENE
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_sheet_that_is_wiped_looks_like_the_one_that_is_drawn_once(scene, theme):
    still, live = Figure(figsize=(11, 8.6), dpi=100), Figure(figsize=(11, 8.6), dpi=100)
    draw_newest(StillPaper(still, theme), scene().messages, newest=14)
    paper = LivePaper(live, theme)
    for newest in (2, 14):  # nothing of the first may be seen in the second
        paper.wipe()
        draw_newest(paper, scene().messages, newest=newest)
        paper.finish()
    one, other = drawn(still), drawn(live)

    # Averaged over ten pixels each way: type is set a fraction of a pixel elsewhere, which is seen at a letter's edges.
    assert np.abs(coarse(one) - coarse(other)).max() < 60


def coarse(pixels):
    """A picture of averages."""
    height, width = (size // 10 * 10 for size in pixels.shape[:2])
    return pixels[:height, :width].reshape(height // 10, 10, width // 10, 10, 3).mean(axis=(1, 3))
