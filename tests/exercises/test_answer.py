from dataclasses import replace
from html.parser import HTMLParser

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.exercises import State, check, predict
from realtime_kit.measurements import Flag, Verdict


def flagged(run, *flags):
    return replace(
        run, results=tuple(replace(result, verdict=Verdict(tuple(flags))) for result in run.results)
    )


SLIP = Flag("publisher-slip", 0.2, 0.05, "Events were published late.")


def test_a_right_guess_hears_what_was_measured_what_theory_says_and_what_counts(run):
    answer = check(predict("polling-p50", seconds=1), run)
    assert answer.right
    text = str(answer)
    assert text.startswith("✓ Right: half of all events are seen by polling within 1 s.\nMeasured ")
    assert "theory 1 s." in text
    assert f"median of {run['polling'].ledger.expected:,} deliveries" in text
    assert "Hint" not in text


def test_a_near_guess_hears_how_near_and_what_near_is(run):
    answer = check(predict("polling-p50", seconds=1.5), run)
    assert answer.state is State.NEAR
    assert "≈ Near: you said 1.5 s, a factor of 1." in str(answer)
    assert "Near is what is within a factor of 2 of that." in str(answer)


def test_a_guess_off_by_ten_hears_the_factor_and_one_hint(run):
    answer = check(predict("polling-p50", seconds=run["polling"].latency.p50 * 10), run)
    assert answer.state is State.OFF
    assert "a factor of 10 too high." in str(answer)
    assert len(answer.hints) == 1


def test_hints_come_one_by_one_and_no_answer_changes(run):
    first = check(predict("polling-p50", seconds=0.1), run)
    second = first.hint()
    third = second.hint()
    assert [len(each.hints) for each in (first, second, third, third.hint())] == [1, 2, 3, 3]
    assert check(predict("polling-p50", seconds=0.1), run).hints == first.hints
    assert "(.hint() gives the next one.)" in str(second)
    assert ".hint()" not in str(third)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_as_many_hints_are_shown_as_asked_for(run, count):
    assert len(check(predict("polling-p50", seconds=1), run, hint=count).hints) == count


@pytest.mark.parametrize("count", [-1, 4, 1.5, "all"])
def test_there_is_no_other_number_of_hints(run, count):
    with pytest.raises(UsageError, match="has to be 0, 1, 2 or 3"):
        check(predict("polling-p50", seconds=1), run, hint=count)


@pytest.mark.parametrize("seconds", [1, 100])
def test_a_flagged_run_judges_nobody_and_says_why(run, seconds):
    answer = check(predict("polling-p50", seconds=seconds), flagged(run, SLIP))
    assert answer.state is State.CANNOT_JUDGE
    assert str(answer).startswith(f"? Cannot judge: you said {seconds} s, and this run cannot tell.")
    assert "Its verdict speaks against it: publisher-slip. Show the run to read what that means." in str(
        answer
    )
    assert len(answer.hints) == 1


def test_a_flag_of_another_transport_is_none_of_ours(run):
    results = tuple(
        replace(result, verdict=Verdict((SLIP,))) if result.transport == "streaming" else result
        for result in run.results
    )
    assert check(predict("polling-p50", seconds=1), replace(run, results=results)).right


def test_too_few_samples_for_p99_are_enough_for_the_median(run):
    few = Flag("too-few-samples", 600, 1000, "The 99th percentile rests on few.")
    results = tuple(
        replace(
            result,
            verdict=Verdict((few,)),
            latency=replace(result.latency, count=600),
        )
        for result in run.results
    )
    short = replace(run, results=results)
    assert check(predict("polling-p50", seconds=1), short).right
    p99 = check(predict("polling-p99", seconds=2), short)
    assert p99.state is State.CANNOT_JUDGE
    assert "It takes 1,000 deliveries, and this run has 600: run longer" in str(p99)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("seconds", [1, 1.5, 30])
def test_the_html_says_the_same_as_the_text(run, seconds):
    answer = check(predict("polling-p50", seconds=seconds), run)
    assert Page(answer._repr_html_()).text == str(answer).replace("\n", "")


def test_the_html_is_a_status_and_carries_its_state_in_a_word(run):
    page = Page(check(predict("polling-p50", seconds=1), run)._repr_html_())
    assert page.tags[0][0] == "div"
    assert page.tags[0][1]["role"] == "status"
    assert "Right" in page.text
    assert "color:" not in page.tags[0][1]["style"].replace("currentColor", "")


def test_the_html_is_escaped(run):
    evil = "<script>alert('1')</script>&"
    html = check(predict("polling-p50", seconds=1), flagged(run, Flag(evil, 1, 0, "Evil.")))._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;" in html
    Page(html)


def test_the_headline_is_escaped_too():
    answer = check(predict("polling-empty", share=0.00001), interval_s=2, rate_per_s=6)
    assert "✓ Right: <0.01 % of the answers" in str(answer)
    assert "<0.01" not in answer._repr_html_()


def test_only_a_prediction_can_be_checked(run):
    with pytest.raises(UsageError, match=r"^check takes what predict returned, not 2\.$"):
        check(2, run)
