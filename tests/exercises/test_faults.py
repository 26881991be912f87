import pytest

from realtime_kit.exercises import check, predict


def test_who_asks_again_misses_nothing():
    assert check(predict("fault-losers", count=3), 3, transports=7, recovering=4).right
    answer = check(predict("fault-losers", count=4), 3, transports=7, recovering=4)
    assert not answer.right
    assert "Taken as those that find it, it would be right." in str(answer)


def test_the_way_back_belongs_to_the_outage():
    inputs = {"outage_s": 1.5, "every_s": 3.0, "fault_s": 1.0}
    assert check(predict("fault-loss", share=0.5), 0.5, **inputs).right
    answer = check(predict("fault-loss", share=0.33), 0.5, **inputs, hint=3)
    assert not answer.right
    assert "Taken as the time of the fault, to which the way back has to be added, it would be right." in str(
        answer
    )
    assert "away for 1.5 s of 3 s: 50 %" in answer.hints[2]


@pytest.mark.parametrize(
    ("seconds", "right"), [(5.0, True), (5.9, True), (6.0, True), (2.0, False), (0.1, False)]
)
def test_a_gap_is_open_as_long_as_the_timers_say(seconds, right):
    assert check(predict("gap-open", seconds=seconds), 5.5, wait_s=5.0).right is right
