"""What holds for every function that makes numbers of rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from tests.property.stats.numbers import LEFT_OUT, NUMBERS, REFUSED, Number
from tests.property.stats.samples import (
    CASES,
    Groups,
    befallen,
    copied,
    made,
    reordered,
    same,
    with_strange,
)

SENSIBLE = ("constant", "zeros", "ones", "ties", "tiny")
every_number = pytest.mark.parametrize("number", NUMBERS, ids=str)


def usual(number: Number, seed: int = 1) -> Groups:
    return made(number.kinds, number.rows, seed)


def flat(found: Any) -> list[float]:
    """The numbers of an answer that are defined."""
    known = [one for one in np.ravel(np.array(found, dtype=object)) if one is not None]
    return [float(one) for one in known if not np.isnan(one)]


@every_number
@pytest.mark.parametrize("seed", range(3))
def test_usual_rows_have_a_number_within_its_range(number: Number, seed: int) -> None:
    found = flat(number.call(usual(number, seed)))
    assert found
    assert number.range[0] <= min(found)
    assert max(found) <= number.range[1]
    assert np.isfinite(found).all()


@every_number
def test_the_same_rows_give_the_same_number_and_are_not_changed(number: Number) -> None:
    rows = usual(number)
    before = copied(rows)
    for group in rows:
        for column in group:
            column.flags.writeable = False
    assert same(number.call(rows), number.call(copied(rows)))
    assert same(before, rows)


@every_number
def test_nothing_is_made_of_no_rows(number: Number) -> None:
    with np.errstate(invalid="ignore"):
        found = number.call(made(number.kinds, 0, 1))
    assert not np.isfinite(flat(found)).any()


@every_number
def test_one_row_does_not_crash(number: Number) -> None:
    for seed in range(10):
        found = flat(number.call(made(number.kinds, 1, seed)))
        assert all(number.range[0] <= one <= number.range[1] for one in found)


@every_number
def test_values_that_are_not_finite_are_dealt_with_as_stated(number: Number) -> None:
    clean = usual(number)
    more = with_strange(number.kinds, clean, number.values, 1)
    if number.strange == LEFT_OUT:
        assert same(number.call(clean), number.call(more))
    elif number.strange == REFUSED:
        with pytest.raises(ValueError, match="finite number"):
            number.call(more)
    else:
        assert not flat(number.call(more))


@every_number
def test_order_matters_exactly_where_it_is_said_to(number: Number) -> None:
    matters = False
    for seed in range(4):
        rows = usual(number, seed)
        for place in range(len(rows)):
            other = number.call(reordered(rows, place, seed))
            matters = matters or not same(number.call(rows), other, tolerance=1e-9)
    assert matters == number.ordered


@every_number
@pytest.mark.parametrize("case", CASES)
def test_hard_rows_never_crash(number: Number, case: str) -> None:
    with np.errstate(all="ignore"):
        for only in (None, *range(len(number.kinds))):
            rows = befallen(number.kinds, usual(number), case, only, 1)
            if case in SENSIBLE:
                number.call(rows)
            else:  # what makes no sense may be refused
                with suppress(ValueError):
                    number.call(rows)
