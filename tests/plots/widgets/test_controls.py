from dataclasses import dataclass

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.plots.widgets.controls import Slider, Sliders, button, round_values
from realtime_kit.plots.widgets.life import close_widgets

pytestmark = pytest.mark.usefixtures("nothing_left")


@dataclass(frozen=True)
class Settings:
    clients: int = 20
    interval_s: float = 2.0
    seed: int = 7


@pytest.fixture
def moved():
    return []


@pytest.fixture
def slider(moved):
    made = Slider(
        "Interval",
        "how often",
        2.0,
        least=0.1,
        most=10,
        write=lambda value: f"{value:g} s",
        on_change=lambda: moved.append(made.value),
    )
    yield made
    close_widgets(made.widget)


@pytest.fixture
def sliders(slider):
    clients = Slider("Clients", "how many", 20, least=1, most=100, write=str, on_change=lambda: None)
    made = Sliders(Settings(), {"clients": clients, "interval_s": slider})
    yield made
    close_widgets(made.widget)


def test_a_button_has_words_and_an_explanation_and_acts():
    pressed = []
    made = button("Start", "Begins to measure", lambda: pressed.append(True))
    made.click()

    assert (made.description, made.tooltip) == ("Start", "Begins to measure")
    assert pressed == [True]
    close_widgets(made)


def test_a_slider_stands_at_round_values_in_words(slider):
    labels = [label for label, _ in slider.widget.options]

    assert labels == ["0.1 s", "0.2 s", "0.5 s", "1 s", "2 s", "5 s", "10 s"]
    assert (slider.widget.description, slider.widget.tooltip) == ("Interval", "how often")


def test_moving_it_in_the_browser_is_heard(slider, moved):
    slider.widget.set_state({"index": 5})

    assert moved == [5.0]


@pytest.mark.parametrize("value", [5.0, 3.0, 0.15, 0.1])
def test_setting_it_is_heard_once(slider, moved, value):
    slider.set(value)

    assert moved == [value]


def test_setting_it_to_where_it_stands_is_not_heard(slider, moved):
    slider.set(2.0)

    assert not moved


def test_a_value_between_the_round_ones_joins_them_until_the_next(slider):
    slider.set(3.0)
    with_it = [value for _, value in slider.widget.options]
    slider.set(4.0)

    assert with_it == [0.1, 0.2, 0.5, 1, 2, 3, 5, 10]
    assert [value for _, value in slider.widget.options] == [0.1, 0.2, 0.5, 1, 2, 4, 5, 10]


@pytest.mark.parametrize("value", [0.05, 11, float("nan")])
def test_a_value_outside_is_refused_and_nothing_moves(slider, moved, value):
    with pytest.raises(UsageError, match=r"Interval is .*: allowed is 0.1 s to 10 s"):
        slider.set(value)

    assert (slider.value, moved) == (2.0, [])


def test_sliders_give_the_settings_with_fields_of_their_own_kind(sliders):
    sliders.set(clients=50, interval_s=5)

    assert sliders.value == Settings(50, 5.0, 7)
    assert isinstance(sliders.value.clients, int)


def test_none_moves_if_one_cannot(sliders):
    with pytest.raises(UsageError, match="Interval"):
        sliders.set(clients=50, interval_s=100)

    assert sliders.value == Settings()


def test_a_slider_that_is_not_there_is_named(sliders):
    with pytest.raises(UsageError, match="no slider for 'seed': there are clients, interval_s"):
        sliders.set(seed=8)


def test_round_values_include_their_ends_if_these_are_round():
    assert list(round_values(0.001, 0.01)) == [0.001, 0.002, 0.005, 0.01]
    assert list(round_values(3, 30)) == [5, 10, 20]
