import math

import pytest
from hypothesis import given, strategies as st

from realtime_kit.exercises.tolerance import by_chance, by_choice, by_rounding, exactly, rounding
from realtime_kit.exercises.unit import COUNT, PER_SECOND, SECONDS, SHARE

positive = st.floats(1e-6, 1e6)


@given(value=positive)
def test_a_value_rounded_to_two_digits_is_within_the_rounding(value):
    assert abs(float(f"{value:.2g}") - value) <= rounding(SECONDS, value) * (1 + 1e-9)


@given(value=positive, error=positive)
def test_theory_itself_always_fits_and_three_times_as_much_never_does(value, error):
    for tolerance in (
        by_chance(SECONDS, value, standard_error=error, of="it"),
        by_rounding(SECONDS, value),
        by_choice(SECONDS),
    ):
        assert tolerance.fits_theory(value, value)
        assert not tolerance.fits_theory(3 * value, value)
        assert not tolerance.fits_theory(value / 3, value)


@given(share=st.floats(0.03, 0.97), error=st.floats(0, 1))
def test_a_share_and_its_complement_have_the_same_tolerance(share, error):
    width, other = (
        by_chance(SHARE, each, standard_error=error, of="it").width for each in (share, 1 - share)
    )
    assert width == pytest.approx(other)


def test_two_standard_errors_count_as_right_and_the_text_says_so():
    tolerance = by_chance(SECONDS, 1.0, standard_error=0.1, of="the median of 25 deliveries")
    assert tolerance.why == (
        "Theory ± 200 ms counts as right: two standard errors of the median of 25 deliveries. "
        "In 1 run of 20, chance moves it further."
    )
    assert tolerance.fits_theory(1.2, 1.0)
    assert not tolerance.fits_theory(1.21, 1.0)


def test_chance_smaller_than_the_second_digit_leaves_the_second_digit():
    tolerance = by_chance(SECONDS, 1.0, standard_error=0.001, of="it")
    assert tolerance.width == 0.05
    assert "rounded to two digits" in tolerance.why
    assert "± 2 ms" in tolerance.why


def test_a_run_too_short_excuses_a_third_and_says_what_chance_does():
    tolerance = by_chance(PER_SECOND, 30.0, standard_error=20.0, of="it")
    assert tolerance.width == 10.0
    assert "Theory ± 10 a second counts as right" in tolerance.why
    assert "± 40 a second" in tolerance.why


def test_what_was_measured_fits_rounded():
    tolerance = by_rounding(SECONDS, 1.0)
    assert tolerance.fits_measured(1.5, 1.53)
    assert not tolerance.fits_measured(1.5, 1.56)


def test_a_factor_reaches_around_the_measured_value_too():
    tolerance = by_choice(SECONDS)
    assert tolerance.fits_measured(0.006, 0.003)
    assert not tolerance.fits_measured(0.0061, 0.003)
    assert "That is a choice" in tolerance.why


def test_only_the_exact_count_fits():
    tolerance = exactly(COUNT)
    assert tolerance.fits_theory(480, 480)
    assert not tolerance.fits_theory(481, 480)
    assert not tolerance.fits_measured(481, 480)


def test_near_is_a_factor_of_two_for_numbers_and_a_tenth_for_shares():
    assert by_rounding(SECONDS, 1.0).is_near(1.9, 1.0, None)
    assert not by_rounding(SECONDS, 1.0).is_near(2.2, 1.0, None)
    assert by_rounding(SHARE, 0.9).is_near(0.81, 0.9, None)
    assert not by_rounding(SHARE, 0.9).is_near(0.5, 0.9, None)


def test_measurement_and_theory_disagree_only_beyond_twice_of_what_chance_does():
    tolerance = by_chance(SECONDS, 1.0, standard_error=0.1, of="it")
    assert not tolerance.disagree(1.0, 1.39)
    assert tolerance.disagree(1.0, 1.41)
    assert not tolerance.disagree(None, 1.41)


def test_a_lost_delivery_fits_no_guess():
    tolerance = by_rounding(SECONDS, 1.0)
    assert not tolerance.fits_measured(1e9, math.inf)
    assert tolerance.disagree(1.0, math.inf)
