from realtime_kit.exercises import State, check, predict


def test_on_a_plain_stream_what_was_lost_is_missing():
    assert check(predict("reliable-missing", count=2), 2, lost=2).right
    assert check(predict("reliable-missing", count=0), 2, lost=2).state is State.OFF


def test_on_a_reliable_one_what_the_link_had_is_not():
    assert check(predict("reliable-missing", count=0), 0, lost=2, recovered=2).right
    text = str(check(predict("reliable-missing", count=2), 0, lost=2, recovered=2))
    assert "Taken as those that come by the link, too, it would be right." in text
