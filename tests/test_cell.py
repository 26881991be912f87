"""What a notebook's cell makes is replaced when it is run again."""

from types import SimpleNamespace

import pytest

from realtime_kit import cell


class Thing:
    def __init__(self):
        self.closed = 0
        cell.replace_by(self.close)

    def close(self):
        self.closed += 1
        cell.forget(self.close)


@pytest.fixture
def run_cell(monkeypatch):
    """Tells what cell is running, and in which run of it."""
    monkeypatch.setattr(cell, "_made", {})

    def run(name, run):
        metadata = {} if name is None else {"cellId": name}
        shell = SimpleNamespace(get_parent=lambda: {"metadata": metadata, "header": {"msg_id": run}})
        monkeypatch.setattr(cell, "_shell", lambda: shell)

    return run


def test_a_cell_that_is_run_again_closes_what_it_made(run_cell):
    run_cell("one", "first")
    thing = Thing()
    run_cell("one", "second")
    Thing()

    assert thing.closed == 1


def test_another_cell_closes_nothing(run_cell):
    run_cell("one", "first")
    thing = Thing()
    run_cell("two", "second")
    Thing()

    assert thing.closed == 0


def test_two_made_by_the_same_run_both_live_and_both_are_replaced(run_cell):
    run_cell("one", "first")
    things = [Thing(), Thing()]
    alive = [thing.closed for thing in things]
    run_cell("one", "second")
    Thing()

    assert (alive, [thing.closed for thing in things]) == ([0, 0], [1, 1])


@pytest.mark.parametrize("parent", [None, {}, {"metadata": {}}])
def test_without_a_cell_nothing_is_closed(run_cell, monkeypatch, parent):
    monkeypatch.setattr(cell, "_shell", lambda: SimpleNamespace(get_parent=lambda: parent))
    things = [Thing(), Thing()]

    assert [thing.closed for thing in things] == [0, 0]


def test_in_a_script_nothing_is_closed(run_cell, monkeypatch):
    monkeypatch.setattr(cell, "_shell", lambda: None)
    things = [Thing(), Thing()]

    assert [thing.closed for thing in things] == [0, 0]


def test_what_was_closed_is_forgotten(run_cell):
    run_cell("one", "first")
    thing = Thing()
    thing.close()
    run_cell("one", "second")
    other = Thing()
    other.close()

    assert thing.closed == 1
    assert not cell._made
