from realtime_kit.plots.widgets.pace import EASY_FRAMES, LARGEST_SHARE, PERIOD_S, SLOWEST_S, Pace

SLOW_S = 1.1 * LARGEST_SHARE * PERIOD_S
EASY_S = 0.4 * LARGEST_SHARE * PERIOD_S


def test_four_frames_a_second_are_due():
    pace = Pace()
    pace.begin(10.0)

    assert pace.due_s() == 10.25


def test_the_first_frame_is_due_at_once():
    assert Pace().due_s() <= 0


def test_a_frame_of_more_than_a_quarter_of_its_period_halves_the_pace():
    pace = Pace()
    pace.took(SLOW_S)

    assert pace.period_s == 2 * PERIOD_S


def test_a_frame_of_less_leaves_it_as_it_is():
    pace = Pace()
    pace.took(0.9 * LARGEST_SHARE * PERIOD_S)

    assert pace.period_s == PERIOD_S


def test_the_pace_is_halved_again_and_again_but_not_for_ever():
    pace = Pace()
    for _ in range(20):
        pace.took(100.0)

    assert pace.period_s == SLOWEST_S


def test_enough_easy_frames_in_a_row_bring_it_back():
    pace = Pace()
    pace.took(SLOW_S)
    for _ in range(EASY_FRAMES - 1):
        pace.took(EASY_S)
    before = pace.period_s
    pace.took(EASY_S)

    assert (before, pace.period_s) == (2 * PERIOD_S, PERIOD_S)


def test_a_frame_that_would_not_fit_into_half_the_period_begins_the_count_anew():
    pace = Pace()
    pace.took(SLOW_S)
    for _ in range(EASY_FRAMES - 1):
        pace.took(EASY_S)
    pace.took(1.5 * LARGEST_SHARE * PERIOD_S)
    pace.took(EASY_S)

    assert pace.period_s == 2 * PERIOD_S


def test_it_never_draws_more_often_than_four_times_a_second():
    pace = Pace()
    for _ in range(10 * EASY_FRAMES):
        pace.took(0.0)

    assert pace.period_s == PERIOD_S
