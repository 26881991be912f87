import ipywidgets
import pytest

from realtime_kit.plots.widgets.updates import PER_SECOND, Updates


@pytest.fixture
def sent(monkeypatch, clock):
    """(time, widget, names of traits) of every message to the browser."""
    messages = []

    def send_state(widget, key=None):
        names = {key} if isinstance(key, str) else set(key or ())
        if names:
            messages.append((clock.now, widget, names))

    monkeypatch.setattr(ipywidgets.Widget, "send_state", send_state)
    return messages


@pytest.fixture
def texts():
    made = [ipywidgets.HTML() for _ in range(3)]
    yield made
    for each in made:
        each.layout.close()
        each.style.close()
        each.close()


def test_what_is_put_is_sent_by_the_next_flush(clock, sent, texts):
    updates = Updates(clock)
    updates.put(texts[0], value="news")
    before = list(sent)
    updates.flush()

    assert not before
    assert texts[0].value == "news"
    assert [(widget, names) for _, widget, names in sent] == [(texts[0], {"value"})]


def test_of_several_changes_only_the_latest_is_sent(clock, sent, texts):
    updates = Updates(clock)
    for number in range(5):
        updates.put(texts[0], value=str(number))
    updates.flush()

    assert texts[0].value == "4"
    assert len(sent) == 1


def test_several_traits_of_a_widget_are_one_message(clock, sent, texts):
    updates = Updates(clock)
    updates.put(texts[0], value="a", description="b")
    updates.flush()

    assert [names for _, _, names in sent] == [{"value", "description"}]


def test_a_value_that_the_widget_has_already_costs_no_message(clock, sent, texts):
    updates = Updates(clock)
    updates.put(texts[0], value="")
    updates.flush()

    assert not sent
    assert updates.due_s() is None


def test_a_change_that_is_taken_back_before_it_was_sent_is_not_sent(clock, sent, texts):
    updates = Updates(clock)
    updates.put(texts[0], value="a")
    updates.put(texts[0], value="")
    updates.flush()

    assert not sent


def test_no_second_has_more_than_ten_messages(clock, sent, texts):
    updates = Updates(clock)
    for number in range(1000):
        clock.now += 0.007
        for text in texts:
            updates.put(text, value=str(number))
        updates.flush()
    times = [at for at, _, _ in sent]

    assert len(times) > 6 * PER_SECOND
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[PER_SECOND:], strict=False))


def test_what_was_held_back_is_due_and_sent_later(clock, sent, texts):
    updates = Updates(clock)
    for number in range(PER_SECOND + 1):
        updates.put(texts[0], value=str(number))
        updates.flush()
    due_s = updates.due_s()
    clock.now = due_s
    updates.flush()

    assert texts[0].value == str(PER_SECOND)
    assert updates.due_s() is None


def test_a_widget_that_changes_all_the_time_keeps_no_other_waiting(clock, sent, texts):
    updates = Updates(clock)
    updates.put(texts[1], value="wants to be seen")
    for number in range(200):
        clock.now += 0.05
        updates.put(texts[0], value=str(number))
        updates.flush()

    assert texts[1].value == "wants to be seen"
