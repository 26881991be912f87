"""A RethinkDB's address: what the driver is told."""

import pytest

from realtime_kit.changefeeds.rethink_address import rethink_address
from realtime_kit.errors import UsageError


def test_all_of_it_is_told_to_the_driver() -> None:
    assert rethink_address("rethinkdb://ada:p%40ss@db.example:29015/games") == {
        "host": "db.example",
        "port": 29015,
        "db": "games",
        "user": "ada",
        "password": "p@ss",
    }


def test_without_more_than_a_host_it_is_what_the_driver_takes_by_itself() -> None:
    assert rethink_address("rethinkdb://127.0.0.1") == {
        "host": "127.0.0.1",
        "port": 28015,
        "db": "test",
        "user": "admin",
        "password": "",
    }


@pytest.mark.parametrize("url", ["http://127.0.0.1", "rethinkdb:///test", "127.0.0.1:28015"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="rethinkdb://host"):
        rethink_address(url)
