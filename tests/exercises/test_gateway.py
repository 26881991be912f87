from realtime_kit.exercises import State, check, predict


def test_in_front_a_websocket_is_one_request_whatever_is_said():
    assert check(predict("gateway-in-front", count=1), 1, messages=5).right
    off = check(predict("gateway-in-front", count=6), 1, messages=5)
    assert off.state is State.OFF
    assert "Taken as each message as well, it would be right." in str(off)


def test_behind_it_opens_talks_and_closes():
    answer = check(predict("gateway-behind", count=7), 7, messages=5, hint=3)
    assert answer.right
    assert answer.hints[2] == "1 + 5 + 1 = 7."
    assert "Taken as without the close" in str(check(predict("gateway-behind", count=6), 7, messages=5))
    assert "Taken as the messages alone" in str(check(predict("gateway-behind", count=5), 7, messages=5))
