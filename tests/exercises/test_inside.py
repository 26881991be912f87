from realtime_kit.exercises import State, check, predict


def test_what_zeromq_costs_is_for_the_machine_to_tell():
    assert check(predict("zeromq-cost", share=0.1), 0.12).right
    assert check(predict("zeromq-cost", share=0.9), 0.1).state is State.OFF


def test_who_gave_what_is_saved_is_told_so():
    assert "Taken as what is saved, it would be right." in str(check(predict("zeromq-cost", share=0.9), 0.1))


def test_the_last_hint_says_how_many_publishes_cost_as_much_as_one():
    answer = check(predict("zeromq-cost", share=0.5), 0.05)
    assert "20 publishes by ZeroMQ" in str(answer.hint().hint().hint())


def test_everybody_but_the_sender_hears_it():
    assert check(predict("skip-self-reached", count=2), 2, subscribers=3).right
    off = check(predict("skip-self-reached", count=3), 2, subscribers=3)
    assert off.state is not State.RIGHT
    assert "Taken as everybody, it would be right." in str(off)


def test_each_request_that_is_held_is_asked_again_by_a_hint():
    assert check(predict("hint-requests", count=3), 3, held=3).right
    off = check(predict("hint-requests", count=1), 3, held=3)
    assert off.state is State.OFF
    assert "Taken as one for the channel, it would be right." in str(off)
    assert "Taken as the first requests as well" in str(check(predict("hint-requests", count=6), 3, held=3))
