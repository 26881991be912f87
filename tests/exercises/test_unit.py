import math
import re

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.exercises.unit import COUNT, PER_SECOND, SECONDS, SHARE, SIZE


@pytest.mark.parametrize("value", [0, 2, 0.5, np.float64(2.5), np.int64(3)])
def test_any_kind_of_number_is_one(value):
    assert SECONDS.accept(value) == float(value)


@pytest.mark.parametrize(
    ("unit", "value", "sentence"),
    [
        (SECONDS, "2 s", "seconds is '2 s', but has to be a number, such as seconds=0.5."),
        (SECONDS, True, "seconds is True, but has to be a number, such as seconds=0.5."),
        (SECONDS, [1], "seconds is [1], but has to be a number, such as seconds=0.5."),
        (SECONDS, -1, "a time is 0 or more; you gave -1."),
        (SECONDS, math.nan, "a time is 0 or more; you gave nan."),
        (SECONDS, math.inf, "a time is 0 or more; you gave inf."),
        (PER_SECOND, -0.5, "a rate is 0 or more; you gave -0.5."),
        (SHARE, 35, "a share is between 0 and 1; did you mean 0.35?"),
        (SHARE, 100, "a share is between 0 and 1; did you mean 1?"),
        (SHARE, 101, "a share is between 0 and 1; you gave 101."),
        (SHARE, -0.1, "a share is between 0 and 1; you gave -0.1."),
        (COUNT, 2.5, "a count is a whole number; you gave 2.5."),
        (SIZE, -1, "a size is 0 or more; you gave -1."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(unit, value, sentence):
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        unit.accept(value)


@pytest.mark.parametrize("value", [0, 1, 0.35])
def test_both_ends_of_a_share_are_shares(value):
    assert SHARE.accept(value) == value
