from realtime_kit.exercises import State, check, predict


def test_two_backends_that_do_the_same_say_the_same():
    assert check(predict("backend-differences", count=0), 0, messages=11).right
    assert check(predict("backend-differences", count=3), 0, messages=11).state is State.OFF


def test_who_counts_what_is_alike_is_told_so():
    text = str(check(predict("backend-differences", count=11), 0, messages=11))
    assert "Taken as the messages that are alike, it would be right." in text


def test_how_soon_express_is_only_the_machine_can_tell():
    assert check(predict("express-p50", seconds=0.005), 0.005).right
