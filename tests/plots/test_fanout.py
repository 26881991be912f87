"""The picture and the table of a fan-out say what was measured, losses included."""

import math
from dataclasses import replace

import pytest
from rich.console import Console

from realtime_kit.measurements.fanout import FanoutRun, Push
from realtime_kit.measurements.herd import Herd
from realtime_kit.measurements.ledger import Ledger
from realtime_kit.measurements.verdict import Evidence, judge
from realtime_kit.plots import DARK, LIGHT
from realtime_kit.plots.fanout import fanout_figure
from realtime_kit.plots.fanout_table import fanout_table
from realtime_kit.pushpin.cluster_statistics import ClusterStatistics, InstanceStatistics
from realtime_kit.quantities import Latency
from realtime_kit.theory import broadcast


def a_run(lost=(), message_rate=0):
    reached = 1000 - len(lost)
    push = Push(
        number=1,
        transport="streaming",
        clients=1000,
        ledger=Ledger(1000, reached, len(lost), 0, 0, 0),
        latency=Latency(0.02, 0.02, 0.036, 0.0396, math.inf if lost else 0.04, 0.00004, 1000),
        completion=((0.00004, 0.001), (0.04, reached / 1000)),
        deliveries_per_s=reached / 0.04,
        per_delivery_s=4e-5,
        theory=broadcast.latency(recipients=reached, per_delivery_s=4e-5),
        processor_per_delivery_s={"pushpin": 42e-6, "swarm": 10e-6, "origin": 1e-6},
        lost_clients=tuple(lost),
        verdict=judge(Evidence(samples=1000)),
    )
    config = {"clients": 1000, "instances": 1, "transport": "streaming", "message_rate": message_rate}
    meta = {
        "pushpin": "1.36.0",
        "config": config,
        "opening": {"seconds": 2.0, "retries": 0, "reopened_after_roll_call": 3},
        "swarm_bytes_per_client": 1600,
    }
    return FanoutRun("2026-01-01T00:00:00Z", meta, (push,))


def test_the_table_names_who_was_not_reached():
    console = Console(width=110)
    with console.capture() as captured:
        console.print(fanout_table(a_run(lost=(7, 12))))
    assert "push 1: not reached: 7, 12" in captured.get()
    assert "42.0 + 10.0 + 1.0" in captured.get()


def test_every_column_has_room_on_a_terminal_of_80():
    run = a_run()
    latency = Latency(0.02, 0.00123, 0.036, 0.0396, 0.0412, 0.00004, 1000)
    (push,) = (replace(push, latency=latency, deliveries_per_s=123_456.0) for push in run.results)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(fanout_table(replace(run, results=(push,))))
    (row,) = [line for line in captured.get().splitlines() if "42.0 + 10.0 + 1.0" in line]
    assert row.split()[:3] == ["1", "1,000", "0"]
    assert "…" not in captured.get()


def printed(run):
    console = Console(width=130)
    with console.capture() as captured:
        console.print(fanout_table(run))
    return captured.get()


def test_the_table_tells_of_the_herd():
    run = a_run()
    armed = replace(run.results[0], herd=Herd(1.5, 1_007, 1.25))
    late = replace(run.results[0], number=2, herd=Herd(math.inf, 900, 1.25))
    text = printed(replace(run, results=(armed, late)))
    assert (
        "push 1: herd: all asked again within 1.5 s (theory N/μ: 1.25 s), 1,007 requests to the origin"
        in text
    )
    assert "push 2: herd: not all asked again in time, 900 requests to the origin" in text


def test_the_table_has_a_row_for_each_of_several_instances():
    run = a_run()
    board = ClusterStatistics((InstanceStatistics("http://127.0.0.1:1", "ready", 3, 500, 501, 5, 2_500),))
    run.meta["config"]["instances"] = 2
    run.meta["instances"] = board.to_json()
    row = next(line for line in printed(run).splitlines() if "http://127.0.0.1:1" in line)
    assert [cell for cell in row.split() if cell != "│"] == [
        *("http://127.0.0.1:1", "ready", "3", "500", "501", "5", "2,500")
    ]


def test_the_curve_is_drawn_in_clients_and_seconds():
    (axes,) = fanout_figure(a_run()).axes
    measured, line = axes.lines
    assert measured.get_xydata()[-1].tolist() == [0.04, 1000]
    assert line.get_xydata()[-1].tolist() == pytest.approx([0.04, 1000])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_under_a_limiter_there_are_steps(theme):
    (axes,) = fanout_figure(a_run(message_rate=2500), theme=theme).axes
    assert len(axes.lines) == 3


def test_each_of_several_instances_has_steps_of_its_own():
    run = a_run(message_rate=2500)
    ends_s = []
    for instances in (1, 4):
        run.meta["config"]["instances"] = instances
        (axes,) = fanout_figure(run).axes
        last = axes.lines[-1].get_xydata()[-1]
        assert last[1] == 1000
        ends_s.append(last[0])
    # 63 at a time: 16 batches for a thousand, 4 for two hundred and fifty.
    assert ends_s == pytest.approx([15 * 0.025, 3 * 0.025])


def test_losses_are_in_the_picture():
    figure = fanout_figure(a_run(lost=(7, 12)))
    assert "2 lost" in " ".join(text.get_text() for text in figure.texts)
    assert "last client after lost" not in " ".join(text.get_text() for text in figure.texts)


def test_the_run_is_json_with_its_losses():
    (push,) = a_run(lost=(7, 12)).to_json()["results"]
    assert push["lost_clients"] == [7, 12]
    assert push["latency_s"]["max"] is None
    assert push["completion"][-1] == [0.04, 0.998]
