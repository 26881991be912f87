import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from realtime_kit.measurements import Flag, Ledger, Verdict
from realtime_kit.plots import format_bytes, format_rate, format_seconds, format_share, race_html, race_table
from realtime_kit.quantities import Latency, Load


def printed(run, *, width=100, **options):
    console = Console(width=width, record=True, file=StringIO(), **options)
    console.print(race_table(run))
    return console.export_text()


def cells(text, first):
    """The cells of the first line that begins with a word."""
    line = next(line for line in text.splitlines() if line.strip().startswith(first))
    return re.split(r"\s{2,}", line.strip())


def known_result(example, transport="streaming", count=1200):
    return example.make_result(
        transport,
        latency=Latency(mean=0.002, p50=0.0019, p90=0.0025, p99=0.00314, max=2.5, min=0.001, count=count),
        load=Load(40.25, 0.9213, 1234.0),
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0019, "1.9 ms"),
        (2.514, "2.51 s"),
        (0.25, "250 ms"),
        (0.0009996, "1 ms"),
        (0.9996, "1 s"),
        (0.99949, "999 ms"),
        (12.34, "12.3 s"),
        (1234.5, "1,234 s"),
        (4.2e-5, "42 µs"),
        (0.0, "0 s"),
        (-0.0021, "−2.1 ms"),
        (math.inf, "lost"),
        (math.nan, "–"),
    ],
)
def test_a_latency_is_told_in_the_unit_and_digits_of_people(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (format_rate, None, "–"),
        (format_rate, 0.0, "0"),
        (format_rate, 40.0, "40"),
        (format_rate, 0.0333333, "0.0333"),
        (format_rate, 1e-6, "<0.001"),
        (format_rate, 1_204_000, "1.2 M"),
        (format_share, None, "–"),
        (format_share, 0.0, "0 %"),
        (format_share, 1.0, "100 %"),
        (format_share, 0.9213, "92.1 %"),
        (format_share, 0.00004, "<0.01 %"),
        (format_share, 0.99999, ">99.9 %"),
        (format_bytes, None, "–"),
        (format_bytes, 43.0, "43 B"),
        (format_bytes, 999.9, "1 kB"),
        (format_bytes, 34e6, "34 MB"),
    ],
)
def test_loads_are_told_briefly_and_never_rounded_to_none_or_all(write, value, text):
    assert write(value) == text


def test_the_measured_row_holds_the_results_numbers(example):
    text = printed(example.make_run(known_result(example)))
    assert cells(text, "streaming") == [
        "streaming", "1.9 ms", "2.5 ms", "3.14 ms", "2.5 s", "40.2", "92.1 %", "1.23 kB",
    ]  # fmt: skip


def test_theory_stands_beneath_with_a_dash_where_it_is_silent(example):
    text = printed(example.make_run(known_result(example)))
    assert cells(text, "theory") == [
        "theory", "1.9 ms", "1.9 ms", "1.9 ms", "1.9 ms", "0", "–", "58 B",
    ]  # fmt: skip


def test_theory_is_dimmed_on_a_terminal(example):
    console = Console(width=100, file=StringIO(), force_terminal=True, color_system="standard")
    console.print(race_table(example.make_run()))
    theory = [line for line in console.file.getvalue().splitlines() if "  theory" in line]
    assert len(theory) == 4
    assert all("\x1b[2m" in line for line in theory)


def test_a_pipe_gets_plain_text(example):
    console = Console(width=100, file=StringIO())
    console.print(race_table(example.make_run()))
    assert "\x1b" not in console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_off_in_a_narrow_terminal(width, example):
    flags = (example.SLIP, replace(example.SLIP, name="more-received-than-expected"))
    doubtful = [example.make_result(each, count=980, lost=3, flags=flags) for each in example.LAWS]
    text = printed(example.make_run(*doubtful), width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for each in example.LAWS:
        assert text.count(f"\n{each} ") == 2
    assert "more-received-than-expected" in text


def test_a_table_full_of_asterisks_fits_a_narrow_terminal_too(example):
    few = Latency(mean=0.0123, p50=0.0123, p90=0.0123, p99=0.0123, max=0.0123, min=0.0123, count=9)
    costly = Load(0.333, 0.00004, 1234.0)
    text = printed(example.make_run(example.make_result("long-polling", latency=few, load=costly)), width=80)
    assert cells(text, "long-polling")[1:5] == ["12.3 ms*"] * 3 + ["12.3 ms"]
    assert "…" not in text


def test_a_p99_of_few_samples_carries_an_asterisk_and_a_note(example):
    text = printed(example.make_run(known_result(example, count=999)))
    assert "3.14 ms*" in text
    assert "* too few deliveries to be more than luck: p99 needs 1,000" in text


@pytest.mark.parametrize(
    ("count", "marked", "needs"),
    [
        (19, ["1.9 ms*", "2.5 ms*", "3.14 ms*"], "p50 needs 20, p90 needs 100, p99 needs 1,000"),
        (99, ["1.9 ms", "2.5 ms*", "3.14 ms*"], "p90 needs 100, p99 needs 1,000"),
        (100, ["1.9 ms", "2.5 ms", "3.14 ms*"], "luck: p99 needs 1,000"),
    ],
)
def test_every_percentile_is_held_to_the_samples_it_needs(count, marked, needs, example):
    text = printed(example.make_run(known_result(example, count=count)))
    assert cells(text, "streaming")[1:4] == marked
    assert needs in text


def test_a_p99_of_enough_samples_carries_none(example):
    assert "*" not in printed(example.make_run(known_result(example, count=1000)))


def test_lost_deliveries_show_in_percentiles_and_ledger(example):
    text = printed(example.make_run(example.make_result("streaming", lost=24)))
    assert cells(text, "streaming")[3:5] == ["lost", "lost"]
    assert "1,176 of 1,200 received, 24 lost" in text


def test_a_result_without_deliveries_has_dashes_not_losses(example):
    text = printed(example.make_run(example.make_result("streaming", count=0)))
    assert cells(text, "streaming")[1:5] == ["–"] * 4
    assert cells(text, "theory")[1:5] == ["–"] * 4
    assert re.search(r"^streaming +– +✓", text, re.MULTILINE)
    assert "lost" not in text
    assert "0 of 0" not in text + race_html(example.make_run(example.make_result("streaming", count=0)))


def test_what_came_though_nothing_was_due_is_not_hidden_by_a_dash(example):
    result = example.make_result(count=0, ledger=Ledger(0, 0, 0, 0, 0, 0, unexpected=8))
    assert "8 unexpected" in printed(example.make_run(result))


def test_every_kind_of_entry_in_the_ledger_is_told(example):
    ledger = Ledger(1200, 1197, 3, duplicate=5, reordered=6, recovered=7, unexpected=8)
    text = " ".join(printed(example.make_run(example.make_result(ledger=ledger)), width=150).split())
    for entry in ("5 duplicate", "6 reordered", "7 recovered", "8 unexpected"):
        assert entry in text


def test_a_good_result_gets_a_tick_and_a_doubtful_one_its_flags(example):
    run = example.make_run(example.make_result("polling", flags=[example.SLIP]), example.make_result())
    text = printed(run)
    assert "✗ publisher-slip\n" in re.sub(r" +\n", "\n", text)
    assert text.count("✓ trustworthy") == 1


def test_each_distinct_flag_is_explained_once_with_found_limit_and_meaning(example):
    run = example.make_run(
        example.make_result("polling", flags=[example.SLIP]),
        example.make_result("streaming", flags=[replace(example.SLIP, found=0.3)]),
    )
    text = " ".join(printed(run).split())
    assert text.count(example.SLIP.meaning) == 1
    assert "publisher-slip (polling, streaming): found 0.21 (polling), 0.3 (streaming), limit 0.05." in text


def test_a_flag_that_is_a_fact_is_explained_without_figures(example):
    run = example.make_run(example.make_result("streaming", flags=[example.EARLY]))
    assert f"interrupted (streaming): {example.EARLY.meaning}" in printed(run)
    assert f"</strong>: {example.EARLY.meaning}" in race_html(run)


FORMULAS = "for polling and long-polling: formulas with times measured in the same run"
SOCKET = "for streaming and websocket: the median latency of a bare socket on an event stream of the same run"


def test_the_table_says_where_theory_comes_from(example):
    for text in (printed(example.make_run()), race_html(example.make_run())):
        assert f"Theory {FORMULAS}; {SOCKET}" in " ".join(text.split())


def test_it_says_so_only_of_the_transports_of_the_run(example):
    text = printed(example.make_run(example.make_result("websocket")), width=150)
    assert "Theory for websocket: the median latency of a bare socket" in text
    assert "formulas" not in text
    assert "Theory" not in printed(example.make_run(example.make_result("pigeon")))


def test_brackets_in_a_saved_run_are_text_and_not_markup(example):
    odd = Flag("[bold]odd[/bold]", 1, 0, "See [red]here[/].")
    text = printed(example.make_run(example.make_result("[blink]x", verdict=Verdict((odd,)))))
    assert "[bold]odd[/bold]" in text
    assert "[blink]x" in text


def test_a_run_without_results_prints(example):
    assert "nothing to see" in printed(replace(example.make_run(), results=()))


class Page(HTMLParser):
    """Checks that elements close in order, and collects cells and tags."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.rows = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open) and "span" not in self.open:
            self.rows[-1][-1] += data


def test_the_html_has_the_same_cells_as_the_table(example):
    page = Page(race_html(example.make_run(known_result(example))))
    assert page.rows[1] == [
        "streaming", "1.9 ms", "2.5 ms", "3.14 ms", "2.5 s", "40.2", "92.1 %", "1.23 kB",
        "1,200 of 1,200 received, 0 lost", "✓ trustworthy",
    ]  # fmt: skip
    assert page.rows[2] == ["theory", "1.9 ms", "1.9 ms", "1.9 ms", "1.9 ms", "0", "–", "58 B"]


def test_the_html_explains_flags_and_asterisk_too(example):
    html = race_html(example.make_run(example.make_result(count=40, flags=[example.FEW])))
    assert "too-few-samples" in html
    assert "found 40, limit 1,000" in html
    assert "* too few deliveries to be more than luck: p90 needs 100, p99 needs 1,000" in html


def test_the_html_names_its_rows_and_columns_for_screen_readers(example):
    page = Page(race_html(example.make_run()))
    headings = [attributes for tag, attributes in page.tags if tag == "th"]
    assert all(attributes.get("scope") in ("col", "row") for attributes in headings)
    assert [tag for tag, _ in page.tags].count("caption") == 1


def test_the_html_runs_no_script_and_fetches_nothing(example):
    page = Page(race_html(example.make_run()))
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") or name in ("src", "href") for _, a in page.tags for name in a)


def test_the_html_takes_its_colours_from_the_page(example):
    style = race_html(example.make_run()).split("</style>")[0]
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb", style)


def test_every_value_in_the_html_is_escaped(example):
    evil = '<script>alert("1")</script>&'
    run = example.make_run(
        example.make_result(evil, flags=[Flag(evil, 1, 0, evil)]), meta={"pushpin": evil, "seed": evil}
    )
    html = race_html(run)
    assert "<script" not in html
    assert '"1"' not in html
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;" in html
    Page(html)
