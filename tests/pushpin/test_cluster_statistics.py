"""The board of a cluster: a row an instance, and their sum."""

from realtime_kit.pushpin.cluster_statistics import ClusterStatistics, InstanceStatistics


def a_board():
    return ClusterStatistics(
        (
            InstanceStatistics("http://127.0.0.1:1", "ready", 0, 16_667, 16_667, 5, 83_335),
            InstanceStatistics("http://127.0.0.1:2", "failed", 2, 0, 0, 0, 0),
        )
    )


def test_it_prints_a_row_for_each_and_the_sum():
    head, first, second, total = str(a_board()).splitlines()
    assert head.split()[:3] == ["url", "state", "restarts"]
    assert first.split() == ["http://127.0.0.1:1", "ready", "0", "16,667", "16,667", "5", "83,335"]
    assert second.split() == ["http://127.0.0.1:2", "failed", "2", "0", "0", "0", "0"]
    assert total.split() == ["all", "2", "16,667", "16,667", "5", "83,335"]


def test_a_notebook_shows_the_same_cells():
    html = a_board()._repr_html_()
    assert html.count("<tr>") == 4
    assert "<td>83,335</td>" in html


def test_it_goes_into_json():
    assert [row["restarts"] for row in a_board().to_json()] == [0, 2]
