"""McNemar's test and Tango's interval: against scipy, published figures, and by simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from homeostat.stats.compare.mcnemar import exact_p, score_interval


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (9, 1), (40, 60), (500, 400)])
def test_p_is_that_of_the_binomial_test(won, lost):
    expected = binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert exact_p(won, lost) == pytest.approx(expected)
    assert exact_p(won, lost) == pytest.approx(exact_p(lost, won))


def slow_score(won, lost, rows, d):
    """The score of d with the nuisance maximised by brute force over a fine grid."""
    q = np.linspace(max(0.0, -d) + 1e-9, (1 - d) / 2 - 1e-9, 400_001)  # share of lost rows
    same = rows - won - lost
    likelihood = won * np.log(q + d) + lost * np.log(q) + same * np.log1p(-2 * q - d)
    best = q[np.argmax(likelihood)]
    return (won - lost - rows * d) / np.sqrt(rows * (2 * best + d - d * d))


@pytest.mark.parametrize(("won", "lost", "rows"), [(5, 12, 100), (1, 3, 30), (20, 25, 300)])
def test_the_ends_are_where_the_score_test_begins_to_reject(won, lost, rows):
    low, high = score_interval(won, lost, rows, 0.95)
    assert slow_score(won, lost, rows, low) == pytest.approx(1.959964, abs=2e-3)
    assert slow_score(won, lost, rows, high) == pytest.approx(-1.959964, abs=2e-3)


def test_the_interval_inverts_the_score_test():
    for won, lost, rows in [(5, 12, 100), (0, 3, 30), (20, 20, 1000), (10, 0, 10)]:
        low, high = score_interval(won, lost, rows, 0.9)
        mirrored = score_interval(lost, won, rows, 0.9)
        assert -1 <= low <= (won - lost) / rows <= high <= 1
        assert (low, high) == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-9)


@pytest.mark.parametrize(("p_won", "p_lost"), [(0.02, 0.02), (0.1, 0.05), (0.3, 0.3), (0.01, 0.0)])
def test_it_holds_its_confidence(p_won, p_lost):
    random = np.random.default_rng(5)
    drawn = random.multinomial(150, [p_won, p_lost, 1 - p_won - p_lost], size=600)
    seen: dict[tuple[int, int], bool] = {}
    held = 0
    for won, lost, _ in drawn.tolist():
        if (won, lost) not in seen:
            low, high = score_interval(won, lost, 150, 0.95)
            seen[won, lost] = low <= p_won - p_lost <= high
        held += seen[won, lost]
    assert held / 600 >= 0.92


@pytest.mark.parametrize(("won", "lost", "rows"), [(-1, 0, 5), (3, 3, 5)])
def test_counts_that_are_none_are_refused(won, lost, rows):
    with pytest.raises(ValueError, match="no count"):
        score_interval(won, lost, rows, 0.95)


def test_without_rows_any_difference_is_possible():
    assert score_interval(0, 0, 0, 0.95) == (-1.0, 1.0)
