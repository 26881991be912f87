from realtime_kit.exercises import State, check, predict


def test_a_push_is_judged_by_what_it_took():
    assert check(predict("push-time", seconds=0.005), 0.003).right
    assert check(predict("push-time", seconds=0.010), 0.003).state is State.NEAR
    assert check(predict("push-time", seconds=0.5), 0.003).state is State.OFF


def test_right_is_said_once_and_without_theory():
    text = str(check(predict("push-time", seconds=0.005), 0.003))
    assert "Measured 3 ms." in text
    assert "theory" not in text
    assert "You said what was measured" not in text


def test_the_hints_follow_the_guess_and_the_measurement():
    hints = check(predict("push-time", seconds=0.5), 0.004, hint=3).hints
    assert "In 500 ms light gets through 100,000 km of fibre" in hints[0]
    assert hints[2].startswith("One push took 4 ms: one after the other, that is 250 a second.")
    assert hints[2].endswith("In your 500 ms there is room for 125.")
