"""File limits, and the connections they allow."""

import resource
from collections.abc import Callable

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.pushpin.limits import connections_max, raise_file_limit

SetLimits = Callable[[int, int], list[tuple[int, int]]]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> SetLimits:
    """Pretends to a soft and a hard limit; gives what is set afterwards."""

    def pretend(soft: int, hard: int, largest: int = 1 << 30) -> list[tuple[int, int]]:
        done: list[tuple[int, int]] = []

        def setrlimit(_: int, wanted: tuple[int, int]) -> None:
            if wanted[0] > largest:
                raise ValueError("not allowed to raise maximum limit")
            done.append(wanted)

        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
        monkeypatch.setattr(resource, "setrlimit", setrlimit)
        return done

    return pretend


def test_the_soft_limit_is_raised_to_the_hard_one(limits: SetLimits) -> None:
    done = limits(1024, 20_000)
    assert raise_file_limit() == 20_000
    assert done == [(20_000, 20_000)]


def test_a_limit_that_is_high_enough_is_left_alone(limits: SetLimits) -> None:
    done = limits(20_000, 20_000)
    assert raise_file_limit() == 20_000
    assert done == []


@pytest.mark.parametrize(("largest", "expected"), [(1 << 30, 1 << 20), (20_000, 10_240), (5_000, 256)])
def test_an_infinite_hard_limit_becomes_the_largest_that_is_granted(
    limits: Callable[[int, int, int], list[tuple[int, int]]], largest: int, expected: int
) -> None:
    limits(256, resource.RLIM_INFINITY, largest)
    assert raise_file_limit() == expected


@pytest.mark.parametrize(("hard", "wanted", "allowed"), [(20_000, None, 19_900), (1 << 20, None, 50_000)])
def test_without_a_wish_it_is_as_many_as_the_limit_allows(
    limits: SetLimits, hard: int, wanted: int | None, allowed: int
) -> None:
    limits(1024, hard)
    assert connections_max(wanted) == allowed


@pytest.mark.parametrize(("wanted", "served"), [(100, 100), (101, 100), (19_900, 19_900), (19_899, 19_898)])
def test_a_wish_is_granted_but_for_the_one_that_pushpin_loses(
    limits: SetLimits, wanted: int, served: int
) -> None:
    limits(1024, 20_000)
    assert connections_max(wanted) == served


@pytest.mark.parametrize("wanted", [-1, 0, 99, 19_901])
def test_a_wish_beyond_the_limit_names_the_largest_possible(limits: SetLimits, wanted: int) -> None:
    limits(1024, 20_000)
    with pytest.raises(
        UsageError, match=f"connections_max is {wanted}: .* allows 100 to 19900 for one Pushpin"
    ):
        connections_max(wanted)
