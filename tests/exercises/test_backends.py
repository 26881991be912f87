from realtime_kit.exercises import State, check, predict


def test_a_restart_of_the_application_costs_its_clients_nothing():
    assert check(predict("restart-reconnections", count=0), 0, clients=5).right
    assert check(predict("restart-reconnections", count=5), 0, clients=5).state is State.OFF


def test_who_thinks_of_every_client_is_told_so():
    text = str(check(predict("restart-reconnections", count=10), 0, clients=5, restarts=2))
    assert "Taken as once for each client and restart, it would be right." in text
