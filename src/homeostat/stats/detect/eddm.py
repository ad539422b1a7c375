"""EDDM: whether a model's errors come closer together than they did."""

from __future__ import annotations

from math import log, sqrt

from homeostat.stats.detect.detector import Change, Detector, at_least


class Eddm(Detector):
    """The early drift detection method (Baena-García and others 2006), with a stated rate.

    Values are 0 (right) or 1 (wrong). The distance of an error is the number of values from the
    error before, itself included. After each error the mean p and standard deviation s of all
    distances give ``p + 2 s``; the method keeps the largest, met after n errors, and finds a
    change when ``p + 2 s`` falls below ``1 - multiplier / sqrt(n)`` of it. The paper's limit is
    0.9 whatever n is and has no stated rate: after 30 errors chance alone goes far below.

    Error rate: that of any alarm within ``horizon`` values. No formula is known, so the
    ``multiplier`` is ``1.3 + 0.4 log(1 / error_rate)``, a line above the quantiles of the
    largest ``(1 - ratio) * sqrt(n)`` of 2000 simulated streams for each error rate of the model
    from 0.005 to 0.9. It was measured for rates from 0.001 to 0.1, horizons of 1000 to 100 000
    values (on which it hardly depends) and 30 errors; beyond that it is extrapolated. The tests
    measure it anew. A doubling of an error rate of 0.1 after 2000 values is found after a median
    of about 870, and in one stream of six not within 4000.

    Meant for a gradual rise. Slower than the others for an abrupt one, as p and s are those of
    all errors. Does not see a fall, nor a rise before ``min_errors`` errors; inconclusive until
    then. Errors that always or never happen have no spread and do not alarm until it returns.
    Values that are not finite are left out; one that is neither 0 nor 1 is an error.
    ``result.estimate`` is the share of errors among the last values; the reason of an alarm
    names the share of errors until the largest ``p + 2 s`` and the share since.

    >>> import numpy as np
    >>> found = Eddm()
    >>> found.update_many(np.random.default_rng(1).random(1000) < 0.1)
    >>> found.result.verdict.value
    'pass'
    >>> found.update_many(np.random.default_rng(2).random(1000) < 0.4)
    >>> found.result.reason
    'The level went from 0.08974 to 0.2283; found after 1232 values.'
    """

    assumed = "independent errors of one rate"
    binary = True

    def __init__(
        self, *, error_rate: float = 0.05, horizon: int = 10_000, min_errors: int = 30
    ) -> None:
        super().__init__(error_rate=error_rate, horizon=horizon)
        at_least("min_errors", min_errors, 30)
        self.min_errors = int(min_errors)
        self.multiplier = 1.3 + 0.4 * log(1 / self.error_rate)
        self.reset()

    def _clear(self) -> None:
        self._errors = 0
        self._last = 0  # row of the last error; before the first, the start
        self._squares = 0  # of the distances; whole numbers, so nothing is rounded
        self._largest = 0.0
        self._limit = 0.0
        self._rows_then = 0
        self._errors_then = 0

    def _read(self, values: list[float]) -> None:
        for row, value in enumerate(values, self._rows + 1):
            if not value:
                continue
            self._errors += 1
            self._squares += (row - self._last) ** 2
            self._last = row
            if self._errors < self.min_errors:
                continue
            mean = row / self._errors
            reach = mean + 2 * sqrt(max(self._squares / self._errors - mean * mean, 0.0))
            if reach > self._largest:
                self._largest = reach
                self._limit = reach * (1 - self.multiplier / sqrt(self._errors))
                self._rows_then, self._errors_then = row, self._errors
            elif reach < self._limit:
                after = (self._errors - self._errors_then) / (row - self._rows_then)
                self._change = Change(row, self._errors_then / self._rows_then, after)
                return

    def _waiting(self) -> str:
        if self._errors >= self.min_errors:
            return ""
        return f"{self._errors} errors in {self._rows} values; {self.min_errors} are needed."
