from realtime_kit.exercises import State, check, predict


def test_it_runs_for_each_socket_that_opens_and_for_each_message():
    assert check(predict("function-runs", count=5), 5, messages=3, opened=2).right
    answer = check(predict("function-runs", count=33), messages=30, opened=3, hint=3)
    assert answer.right
    assert answer.hints[2] == "3 + 30 = 33."


def test_who_counts_otherwise_is_told_what_was_counted():
    alone = check(predict("function-runs", count=3), 5, messages=3, opened=2)
    assert alone.state is not State.RIGHT
    assert "Taken as the messages alone, it would be right." in str(alone)
    everybody = check(predict("function-runs", count=10), 5, messages=3, opened=2)
    assert "Taken as what everybody hears, it would be right." in str(everybody)


def test_what_is_published_runs_nothing():
    assert "What is published costs none." in str(
        check(predict("function-runs", count=9), 5, messages=3, opened=2, hint=2)
    )


def test_the_share_of_a_warm_function_is_for_the_machine_to_tell():
    assert check(predict("warm-function", share=0.02), 0.025).right
    off = check(predict("warm-function", share=0.98), 0.02)
    assert off.state is State.OFF
    assert "Taken as what is saved, it would be right." in str(off)


def test_the_last_hint_says_what_was_measured():
    answer = check(predict("warm-function", share=0.5), 0.02, hint=3)
    assert answer.hints[2] == "Measured: 2 %. The rest is starting Python and importing."
