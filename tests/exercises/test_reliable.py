from realtime_kit.exercises import State, check, predict


def test_on_a_plain_stream_what_was_lost_is_missing():
    assert check(predict("reliable-missing", count=2), 2, lost=2).right
    assert check(predict("reliable-missing", count=0), 2, lost=2).state is State.OFF


def test_on_a_reliable_one_what_the_link_had_is_not():
    assert check(predict("reliable-missing", count=0), 0, lost=2, recovered=2).right
    text = str(check(predict("reliable-missing", count=2), 0, lost=2, recovered=2))
    assert "Taken as those that come by the link, too, it would be right." in text


def test_a_gap_is_closed_at_the_first_look_after_the_wait():
    for seconds in (1.0, 1.6, 2.0):
        assert check(predict("gap-recovery", seconds=seconds), 1.7, message_wait_s=1).right
    assert not check(predict("gap-recovery", seconds=0.1), 1.7, message_wait_s=1).right


def test_a_recovery_far_from_theory_is_told():
    told = str(check(predict("gap-recovery", seconds=1.5), 9.0, message_wait_s=1))
    assert "Measurement and theory differ." in told
