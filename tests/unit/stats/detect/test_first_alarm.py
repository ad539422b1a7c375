import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.first_alarm import CHUNK, first_alarm
from homeostat.stats.result import Result


class Above:
    """Fails at the first value above 1."""

    def __init__(self):
        self.failed = False

    def update(self, value):
        self.update_many([value])

    def update_many(self, values):
        self.failed = self.failed or bool((np.asarray(values) > 1).any())

    @property
    def result(self):
        return Result(Verdict.FAIL if self.failed else Verdict.PASS)

    def reset(self):
        self.failed = False


@pytest.mark.parametrize("place", [0, 1, 2, 777, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK - 1])
def test_it_is_the_very_value(place):
    values = np.zeros(3 * CHUNK)
    values[place:] = 2
    assert first_alarm(Above(), values) == place
    values[place + 1 :] = 0
    assert first_alarm(Above(), values) == place


def test_none_without_an_alarm_and_without_values():
    assert first_alarm(Above(), np.zeros(2 * CHUNK + 1)) is None
    assert first_alarm(Above(), []) is None


def test_the_stream_itself_reads_nothing():
    stream = Above()
    assert first_alarm(stream, [0.0, 2.0]) == 1
    assert stream.result.verdict is Verdict.PASS
    stream.update(2.0)
    assert first_alarm(stream, [0.0]) == 0


def test_a_table_is_refused():
    with pytest.raises(ValueError, match="one dimension"):
        first_alarm(Above(), np.zeros((2, 2)))
