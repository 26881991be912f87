import pytest

from realtime_kit.exercises import State, check, predict


def test_a_stall_is_the_99th_percentile_less_a_hundredth_of_the_run():
    assert check(predict("stall-p99", seconds=1.3), stall_s=1.4, run_s=10).right
    answer = check(predict("stall-p99", seconds=0.002), 1.32, stall_s=1.4, run_s=10)
    assert answer.state is State.OFF
    assert "1.4 s - 0.01 x 10 s = 1.3 s" in str(answer.hint().hint().hint())


def test_who_gave_the_longest_wait_is_told_so():
    answer = check(predict("stall-p99", seconds=1.9), stall_s=1.9, run_s=10)
    assert "Taken as the longest wait, it would be right." in str(answer)


def test_what_a_waiting_generator_leaves_out_can_be_counted():
    assert check(predict("omitted-requests", count=140), rate_per_s=100, stall_s=1.4).right
    answer = check(predict("omitted-requests", count=139), rate_per_s=100, stall_s=1.4)
    assert "Taken as all but the one that was sent, it would be right." in str(answer)


@pytest.mark.parametrize(("quantile", "needed"), [(0.5, 20), (0.99, 1000), (0.999, 10_000)])
def test_a_percentile_needs_ten_deliveries_beyond_it(quantile, needed):
    assert check(predict("samples-needed", count=needed), quantile=quantile).right
    one = check(predict("samples-needed", count=needed // 10), quantile=quantile)
    assert "Taken as one delivery beyond it, it would be right." in str(one)
