"""What fits onto a machine is said before anything is opened."""

import pytest
from yarl import URL

from realtime_kit.clients.swarm import largest_swarm, plan as module, plan_swarm
from realtime_kit.errors import UsageError
from realtime_kit.pushpin import limits


def allow_files(monkeypatch, most):
    """So many open files a process, this one and Pushpin's."""
    for each in (module, limits):
        monkeypatch.setattr(each, "raise_file_limit", lambda: most)


@pytest.fixture
def machine(monkeypatch):
    """A machine of two processors, 24 GB and 20,000 files a process."""
    allow_files(monkeypatch, 20_000)
    monkeypatch.setattr(module, "usable", lambda: 2)

    class Memory:
        available = 24_000_000_000

    monkeypatch.setattr(module.psutil, "virtual_memory", Memory)


def test_every_client_has_a_process_and_no_process_too_many(machine):
    for clients in (1, 7, 2_500, 2_501, 19_900, 100_000):
        plan = plan_swarm(clients, targets=6)
        assert sum(plan.counts) == clients
        assert max(plan.counts) <= 19_900
        assert max(plan.counts) - min(plan.counts) <= 1
    assert len(plan_swarm(100_000, targets=6).counts) == 6
    assert len(plan_swarm(15_000, targets=1).counts) == 1


@pytest.mark.parametrize("clients", [0, -1, 19_901])
def test_too_many_are_refused_with_the_largest_number(machine, clients):
    with pytest.raises(UsageError, match=r"possible here are 1 to 19,900 \(by the file limit of 1 instance;"):
        plan_swarm(clients, targets=1)


@pytest.mark.parametrize(("targets", "most"), [(1, 50_000), (4, 200_000)])
def test_a_pushpin_is_promised_no_more_than_it_is_given_however_many_files_are_allowed(
    machine, monkeypatch, targets, most
):
    allow_files(monkeypatch, 1 << 20)
    assert plan_swarm(most, targets=targets).clients == most
    said = (
        rf"possible here are 1 to {most:,} \(by the 50,000 connections of a Pushpin, with {targets} instance"
    )
    with pytest.raises(UsageError, match=said):
        plan_swarm(most + 1, targets=targets)


def test_memory_may_be_what_limits(machine, monkeypatch):
    class Memory:
        available = 52_000_000

    monkeypatch.setattr(module.psutil, "virtual_memory", Memory)
    assert largest_swarm(targets=6) == (1_000, "by its free memory")


def test_no_source_address_needs_so_many_ports_that_a_free_one_is_hard_to_find(machine, monkeypatch):
    monkeypatch.setattr(module.sys, "platform", "linux")
    assert plan_swarm(7_000, targets=1).sources == ()
    for clients, targets in ((7_001, 1), (19_900, 1), (100_000, 6)):
        sources = plan_swarm(clients, targets=targets).sources
        assert clients / targets / len(sources) <= module.QUICK_PORTS_PER_SOURCE
    allow_files(monkeypatch, 100_000)
    assert plan_swarm(20_000, targets=1).sources == ("127.0.0.2", "127.0.0.3", "127.0.0.4")


def test_where_there_is_one_loopback_address_others_are_tried_only_when_its_ports_run_out(
    machine, monkeypatch
):
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert plan_swarm(19_000, targets=1).sources == ()
    allow_files(monkeypatch, 100_000)
    assert plan_swarm(50_000, targets=1).sources == ("127.0.0.2", "127.0.0.3")


ELSEWHERE = URL("http://service.example/events")


def test_of_a_service_elsewhere_the_processes_or_the_ports_limit(machine, monkeypatch):
    assert largest_swarm(service=ELSEWHERE) == (25_000, "by its ports")
    assert plan_swarm(25_000, service=ELSEWHERE).sources == ()
    allow_files(monkeypatch, 200)
    most, because = largest_swarm(service=ELSEWHERE)
    assert (most, because) == (6_400, "by the file limit of 64 processes; `ulimit -n` raises it")
    assert plan_swarm(6_400, service=ELSEWHERE).counts == (100,) * 64
    with pytest.raises(UsageError, match="possible here are 1 to 6,400"):
        plan_swarm(6_401, service=ELSEWHERE)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/events", "ws://127.1.2.3/chat"])
def test_a_service_at_a_loopback_address_is_connected_to_from_several(machine, monkeypatch, url):
    monkeypatch.setattr(module.sys, "platform", "linux")
    most, because = largest_swarm(service=URL(url))
    assert (most, because) == (24_000_000_000 // 52_000, "by its free memory")
    assert plan_swarm(7_000, service=URL(url)).sources == ()
    assert plan_swarm(14_001, service=URL(url)).sources == ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    assert (
        largest_swarm(service=URL("http://localhost/"))[0] == 25_000
    )  # it may be ::1, which has no neighbours
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert largest_swarm(service=URL(url)) == (25_000, "by its ports")


@pytest.mark.parametrize(("loop", "most"), [(object, 400_000), (None, 75_000)])
def test_clients_that_speak_tls_need_more_memory(machine, monkeypatch, loop, most):
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module, "fastest_loop", lambda: loop)
    assert largest_swarm(service=URL("https://127.0.0.1/")) == (most, "by its free memory")


@pytest.mark.parametrize(("scheme", "most"), [("http", 20_000), ("ws", 6_666)])
def test_memory_of_a_service_on_another_machine_is_not_counted(machine, monkeypatch, scheme, most):
    class Memory:
        available = 120_000_000

    monkeypatch.setattr(module.psutil, "virtual_memory", Memory)
    assert largest_swarm(service=URL(f"{scheme}://service.example/")) == (most, "by its free memory")
    assert largest_swarm(service=URL(f"{scheme}://localhost/"))[0] == largest_swarm()[0] == 2_307


@pytest.mark.parametrize("clients", ["5", 2.5, None])
def test_clients_that_are_no_whole_number_are_refused(clients: object) -> None:
    with pytest.raises(UsageError, match=f"clients is {clients!r}: it has to be a whole number"):
        plan_swarm(clients)  # type: ignore[arg-type]
