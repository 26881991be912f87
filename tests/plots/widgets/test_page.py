from html.parser import HTMLParser

import pytest

from realtime_kit.plots.widgets.page import STYLE, DataTable, status_html, title_html

EVIL = "<script>alert('&')</script>"


class Tags(HTMLParser):
    """(tag, attributes, text) of every element, in order of their ends."""

    def __init__(self, html):
        super().__init__()
        self.open, self.found = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.open.append([tag, dict(attrs), ""])

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag
        self.found.append(tuple(self.open.pop()))

    def all(self, tag):
        return [(attributes, text) for found, attributes, text in self.found if found == tag]


TABLE = DataTable(
    "The race",
    [("transport", "how"), ("p50", "the half")],
    [("polling", "2 s"), ("a < b", "1 ms")],
    ["Note."],
)


def test_a_table_is_a_real_one_whose_headings_have_a_scope():
    tags = Tags(TABLE.html())

    assert [(each["scope"], text) for each, text in tags.all("th")] == [
        ("col", "transport"),
        ("col", "p50"),
        ("row", "polling"),
        ("row", "a < b"),
    ]
    assert [text for _, text in tags.all("td")] == ["2 s", "1 ms"]
    assert [text for _, text in tags.all("caption")] == ["The race"]


def test_headings_explain_themselves():
    assert [each.get("title") for each, _ in Tags(TABLE.html()).all("th")][:2] == ["how", "the half"]


@pytest.mark.parametrize(
    "html",
    [
        DataTable(EVIL, [(EVIL, EVIL)], [(EVIL,)], [EVIL]).html(),
        title_html(EVIL, EVIL).removeprefix(STYLE),
        status_html(EVIL),
    ],
    ids=["table", "title", "status"],
)
def test_no_text_becomes_markup(html):
    tags = Tags(html)

    assert not tags.all("script")
    assert EVIL in {text for _, _, text in tags.found}


def test_the_status_is_a_polite_live_region_and_says_when_something_is_wrong():
    [(attributes, text)] = Tags(status_html("Measuring …")).all("div")
    [(wrong, _)] = Tags(status_html("No Pushpin.", wrong=True)).all("div")

    assert attributes == {"role": "status", "aria-live": "polite"}
    assert text == "Measuring …"
    assert wrong["class"] == "rtk-wrong"


def test_colours_are_the_page_s_or_inherited():
    colours = [part.split(";")[0] for part in STYLE.replace("}", ";").split("color:")[1:]]

    assert colours
    assert all("inherit" in each or "currentColor" in each or "var(--jp-" in each for each in colours)


def test_a_table_prints_itself_in_columns():
    assert str(TABLE).splitlines() == [
        "Note.",
        "The race",
        "transport   p50",
        "polling     2 s",
        "a < b      1 ms",
    ]


def test_a_table_without_rows_is_still_one():
    empty = DataTable("Nothing", [("a", ""), ("b", "")], [])

    assert str(empty) == "Nothing\na  b"
    assert Tags(empty.html()).all("tbody")
