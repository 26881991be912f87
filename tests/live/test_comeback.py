"""A thousand clients lose their streams in the same instant."""

from __future__ import annotations

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.lab.comeback import comeback

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

CLIENTS = 1000


def test_all_of_a_thousand_come_back_after_a_restart_and_do_not_storm_it() -> None:
    result = comeback(CLIENTS)
    print(result)
    assert result.back == result.clients == CLIENTS, result
    # With jitter it is about as orderly as twenty at a time: a storm would be refused again and again.
    assert result.back_s < result.restart_s + 3 * result.opened_s, result
    assert result.tries < 6 * CLIENTS, result


@pytest.mark.parametrize("clients", [0, 5001])
def test_a_crowd_that_cannot_be_is_refused(clients: int) -> None:
    with pytest.raises(UsageError, match=f"clients is {clients}"):
        comeback(clients)
