"""A thousand clients lose their streams in the same instant."""

from __future__ import annotations

import importlib

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.lab.comeback import ANSWER_TIMEOUT_S, comeback

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

CLIENTS = 1000


def test_all_of_a_thousand_come_back_after_a_restart_and_do_not_storm_it() -> None:
    result = comeback(CLIENTS)
    print(result)
    assert result.back == result.clients == CLIENTS, result
    # A first wait; and twice more, after no answer, for those who came in Pushpin's first moments.
    waits_s = result.restart_s + 3 * result.jitter_s + 2 * ANSWER_TIMEOUT_S
    assert result.back_s < waits_s + result.opened_s, result
    # While Pushpin is away each tries once in half the jitter on average; a storm would be refused again and again.
    assert result.tries < CLIENTS * (3 + 2 * result.restart_s / result.jitter_s), result


@pytest.mark.parametrize("clients", [0, 5001])
def test_a_crowd_that_cannot_be_is_refused(clients: int) -> None:
    with pytest.raises(UsageError, match=f"clients is {clients}"):
        comeback(clients)


def test_more_than_may_be_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(comeback.__module__)  # the package has a function of that name
    monkeypatch.setattr(module, "raise_file_limit", lambda: 1024)
    with pytest.raises(UsageError, match="file limit allows 824"):
        comeback(825)


def test_a_jitter_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="jitter_s is 0"):
        comeback(10, jitter_s=0)
