import asyncio
import subprocess
import sys

import pytest

from realtime_kit import lab
from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.lab import RaceSettings, boards
from realtime_kit.plots.style import DARK
from realtime_kit.plots.widgets import Api, PollingSettings


@pytest.fixture
def asked(monkeypatch):
    """What `arace` was asked for instead of racing."""
    found = []

    async def arace(settings=None, **options):
        found.append((settings, options))

    monkeypatch.setattr(boards, "arace", arace)
    return found


@pytest.fixture
def closing():
    made = []
    yield lambda board: made.append(board) or board
    for board in made:
        board.close()


def report(progress):
    """Nobody listens."""


def test_a_race_board_runs_the_race_that_was_set(asked, closing):
    settings = RaceSettings(clients=5, rate=3, interval_s=1)
    board = closing(lab.race_board(settings, seconds=4, theme=DARK))
    stop = asyncio.Event()
    asyncio.run(board._start_race(report, stop))
    chosen, options = asked[0]

    assert chosen == RaceSettings(clients=5, rate=3, interval_s=1, seconds=4)
    assert options == {"on_progress": report, "stop": stop}
    assert board.theme is DARK


def test_its_picture_is_made_for_that_race(closing):
    course = closing(lab.race_board(transports="polling,websocket", clients=5, rate=3, seconds=4))._course

    assert (course.transports, course.clients, course.rate_per_s, course.seconds) == (
        ("polling", "websocket"),
        5,
        3,
        4,
    )


def test_a_setting_that_cannot_be_is_refused_before_anything_is_made():
    with pytest.raises(UsageError, match="clients is 100000"):
        lab.race_board(clients=100_000)


def test_the_polling_explorer_measures_polling_with_what_its_sliders_say(asked, closing):
    explorer = closing(lab.polling_explorer(clients=5))
    stop = asyncio.Event()
    asyncio.run(explorer._start_polling(PollingSettings(0.5, 7, 3.0, 10.0), report, stop))
    _, options = asked[0]

    assert explorer.settings == PollingSettings(clients=5)
    assert RaceSettings(
        **{name: value for name, value in options.items() if name not in ("stop", "on_progress")}
    )
    assert options == {
        "transports": ("polling",),
        "clients": 7,
        "rate": 3.0,
        "interval_s": 0.5,
        "seconds": 10.0,
        "on_progress": report,
        "stop": stop,
    }


@pytest.mark.parametrize(
    ("api", "seconds"),
    [
        (Api(30, 20.0, 5.0, 64), 5.0),  # 600 deliveries a second: the shortest is enough
        (Api(10, 12.0, 5.0, 64), 10.0),  # 1,200 deliveries, for a 99th percentile
        (Api(1, 1.0, 5.0, 64), 15.0),  # would take twenty minutes
    ],
)
def test_a_check_races_all_four_long_enough_but_not_too_long(asked, closing, api, seconds):
    explorer = closing(lab.choice_explorer())
    asyncio.run(explorer._start_check(api, report, asyncio.Event()))
    _, options = asked[0]

    assert "transports" not in options
    assert (options["clients"], options["rate"]) == (api.clients, api.rate_per_s)
    assert (options["interval_s"], options["payload_bytes"]) == (5.0, 64)
    assert options["seconds"] == seconds


def test_the_choice_explorer_starts_where_it_is_told(closing):
    assert closing(lab.choice_explorer(clients=500, payload_bytes=1000)).api == Api(
        clients=500, payload_bytes=1000
    )


def test_what_can_be_checked_is_a_race_that_can_be_run(closing):
    explorer = closing(
        lab.choice_explorer(clients=10_000, rate_per_s=100, interval_s=100, payload_bytes=10_000)
    )
    most = explorer._checkable()

    assert RaceSettings(
        clients=int(most["clients"]),
        rate=most["rate_per_s"],
        interval_s=most["interval_s"],
        payload_bytes=10_000,
    )


def test_a_statistics_panel_of_a_site_that_is_not_up_is_refused():
    with pytest.raises(UsageError, match="not up"):
        lab.statistics_panel(lab.serving("no.such:app"))


def test_without_ipywidgets_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    for name in [name for name in sys.modules if name.startswith("realtime_kit.plots.widgets")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("realtime_kit.plots.widgets", raising=False)

    with pytest.raises(MissingDependency, match=r"ipywidgets.*pip install 'realtime-kit\[notebooks\]'"):
        lab.race_board()


@pytest.mark.parametrize(
    "module", ["realtime_kit", "realtime_kit.plots", "realtime_kit.lab", "realtime_kit.lab.boards"]
)
def test_nothing_but_the_boards_themselves_imports_ipywidgets(module):
    code = f"import sys, {module}; sys.exit('ipywidgets' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
