"""Buttons and sliders: each with words on it, and an explanation for those who point at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import ipywidgets

from realtime_kit.errors import UsageError
from realtime_kit.numbers import check_number

Settings = TypeVar("Settings", bound=Any)

_STEPS = (1, 2, 5)


def button(words: str, why: str, act: Callable[[], object], *, disabled: bool = False) -> ipywidgets.Button:
    """A button.

    Args:
        words: What is written on it.
        why: What it does.
        act: Called when it is pressed. On which thread depends on the kernel, so it may only set something going.
        disabled: Whether it cannot be pressed at first.
    """
    made = ipywidgets.Button(description=words, tooltip=why, disabled=disabled)
    made.on_click(lambda _: act())
    return made


class Slider:
    """A slider over round values from small to large, as 1, 2, 5, 10; each in words beside it.

    Args:
        words: What it is called.
        why: What it sets.
        value: Where it stands at first; need not be round.
        least: The smallest value, above 0.
        most: The largest.
        write: Puts a value in words, with its unit.
        on_change: Called after each change; see `button` for its threads.

    Attributes:
        widget: What is shown.
    """

    def __init__(
        self,
        words: str,
        why: str,
        value: float,
        *,
        least: float,
        most: float,
        write: Callable[[float], str],
        on_change: Callable[[], object],
    ) -> None:
        self._words = words
        self._least, self._most = least, most
        self._write = write
        self._round = round_values(least, most)
        self.check(value)
        self.widget = ipywidgets.SelectionSlider(
            options=self._options(value),
            value=value,
            description=words,
            tooltip=why,
            style={"description_width": "9em"},
            layout={"width": "auto"},
        )
        self._on_change = on_change
        self.widget.observe(self._moved, "value")

    @property
    def value(self) -> float:
        """Where it stands."""
        return float(self.widget.value)

    def set(self, value: float) -> None:
        """Move it, to any value within its ends.

        Raises:
            UsageError: if the value lies outside.
        """
        self.check(value)
        if value not in [each for _, each in self.widget.options]:
            self.widget.unobserve(self._moved, "value")
            self.widget.options = self._options(value)  # and for a moment it stands at the first of them
            self.widget.value = value
            self.widget.observe(self._moved, "value")
            self._on_change()
        self.widget.value = value

    def _moved(self, _: object) -> None:
        self._on_change()

    def _options(self, value: float) -> list[tuple[str, float]]:
        return [(self._write(each), each) for each in sorted({*self._round, value})]

    def check(self, value: float) -> None:
        """Whether it can be moved there.

        Raises:
            UsageError: if not.
        """
        check_number(self._words, value)
        if not self._least <= value <= self._most:
            ends = f"{self._write(self._least)} to {self._write(self._most)}"
            message = f"{self._words} is {value:g}: allowed is {ends}"
            raise UsageError(message)


def round_values(least: float, most: float) -> Sequence[float]:
    """1, 2, 5, 10, 20 and so on, from the smallest of them that is not below `least` up to `most`."""
    values = (step * 10.0**decade for decade in range(-3, 7) for step in _STEPS)
    return [
        float(f"{value:.1g}")
        for value in values
        if least <= value * (1 + 1e-9) and value <= most * (1 + 1e-9)
    ]


class Sliders(Generic[Settings]):
    """A slider for each of some fields of a dataclass.

    Args:
        first: Where they stand at first; fields without a slider keep their values.
        sliders: By field.

    Attributes:
        widget: All of them.
    """

    def __init__(self, first: Settings, sliders: Mapping[str, Slider]) -> None:
        self._first = first
        self._sliders = sliders
        layout = {
            "display": "grid",
            "grid_template_columns": "repeat(auto-fit, minmax(26em, 1fr))",
            "grid_gap": "0 2em",
        }
        self.widget = ipywidgets.Box([each.widget for each in sliders.values()], layout=layout)

    @property
    def value(self) -> Settings:
        """What they say."""
        kinds = {name: type(getattr(self._first, name)) for name in self._sliders}
        return replace(self._first, **{name: kinds[name](each.value) for name, each in self._sliders.items()})

    def set(self, **values: float) -> None:
        """Move some of them, by field.

        Raises:
            UsageError: if there is no such slider, or the value lies outside its ends; then none has moved.
        """
        for name, value in values.items():
            if name not in self._sliders:
                message = f"there is no slider for {name!r}: there are {', '.join(self._sliders)}"
                raise UsageError(message)
            self._sliders[name].check(value)
        for name, value in values.items():
            self._sliders[name].set(value)
