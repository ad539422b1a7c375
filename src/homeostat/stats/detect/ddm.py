"""DDM: whether the error rate of a model rose above the lowest it had."""

from __future__ import annotations

from math import log, sqrt

from homeostat.stats.detect.detector import Change, Detector, at_least


class Ddm(Detector):
    """The drift detection method (Gama, Medas, Castillo & Rodrigues 2004), with a stated rate.

    Values are 0 (right) or 1 (wrong). After i values p is the share of errors and
    ``s = sqrt(p (1 - p) / i)``. The method keeps the p and s with the smallest ``p + s`` and
    finds a change when ``p + s >= p_min + multiplier * s_min``. The paper's multiplier is 3, for
    which it states no rate. It also starts at 30 values, when p may be 0 and the first error
    then alarms; here it starts at ``min_errors`` errors.

    Error rate: that of any alarm within ``horizon`` values. No formula is known, so the
    ``multiplier`` is ``2.4 + 0.41 log(1 / error_rate)``, a line above the quantiles of the
    largest ``(p + s - p_min) / s_min`` of 2000 simulated streams for each error rate of the
    model from 0.005 to 0.9. It was measured for rates from 0.001 to 0.1, horizons of 1000 to
    100 000 values (on which it hardly depends) and 30 errors; beyond that it is extrapolated.
    The tests measure it anew. A doubling of an error rate of 0.1 after 2000 values is found
    after a median of about 410.

    Best for an abrupt change not too late: p is the mean of all values, so that after a long
    time a change shows in it slowly. Does not see a fall, nor a rise before ``min_errors``
    errors. Inconclusive until then, which takes long for a good model. Values that are not
    finite are left out; one that is neither 0 nor 1 is an error. ``result.estimate`` is the
    share of errors among the last values; the reason of an alarm names p_min and the share
    since.

    >>> import numpy as np
    >>> found = Ddm()
    >>> found.update_many(np.random.default_rng(1).random(1000) < 0.1)
    >>> found.result.verdict.value
    'pass'
    >>> found.update_many(np.random.default_rng(2).random(1000) < 0.3)
    >>> found.result.reason
    'The level went from 0.08845 to 0.1663; found after 1140 values.'
    """

    assumed = "independent errors of one rate"
    binary = True

    def __init__(
        self, *, error_rate: float = 0.05, horizon: int = 10_000, min_errors: int = 30
    ) -> None:
        super().__init__(error_rate=error_rate, horizon=horizon)
        at_least("min_errors", min_errors, 30)
        self.min_errors = int(min_errors)
        self.multiplier = 2.4 + 0.41 * log(1 / self.error_rate)
        self.reset()

    def _clear(self) -> None:
        self._errors = 0
        self._lowest = float("inf")  # the smallest p + s, and what led to it
        self._share_then = 0.0
        self._spread_then = 0.0
        self._rows_then = 0
        self._errors_then = 0

    def _read(self, values: list[float]) -> None:
        for row, value in enumerate(values, self._rows + 1):
            if value:
                self._errors += 1
            if self._errors < self.min_errors:
                continue
            share = self._errors / row
            spread = sqrt(share * (1.0 - share) / row)
            if share + spread < self._lowest:
                self._lowest = share + spread
                self._share_then, self._spread_then = share, spread
                self._rows_then, self._errors_then = row, self._errors
            elif share + spread > self._share_then + self.multiplier * self._spread_then:
                after = (self._errors - self._errors_then) / (row - self._rows_then)
                self._change = Change(row, self._share_then, after)
                return

    def _waiting(self) -> str:
        if self._errors >= self.min_errors:
            return ""
        return f"{self._errors} errors in {self._rows} values; {self.min_errors} are needed."
