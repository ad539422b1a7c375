"""From the body of a labels request to labels, or to an error that names the field. PURE."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from homeostat.errors import InputError

MAX_LABELS = 10_000
"""Most labels in one post."""
MAX_NAME = 1_024
"""Longest id of a prediction, event or entity, in characters."""
FIRST_YEAR, LAST_YEAR = 2, 9998
_NAMED_BY = ("prediction_id", "id", "entity")
_KNOWN = {*_NAMED_BY, "at", "label", "observed_at"}


@dataclass(frozen=True, slots=True)
class Given:
    """One label as it was sent: ``name`` is a prediction's id, an event's id or an entity.

    ``by`` says which: ``prediction_id``, ``id`` or ``entity``. ``at`` is set for an entity only.
    """

    by: str
    name: str
    value: float
    at: datetime | None = None
    observed_at: datetime | None = None


def labels_of(document: Any, binary: bool = False) -> list[Given]:
    """Labels in ``{"labels": [...]}``, or a single one, in their order.

    For a ``binary`` task a label is true, false, 1 or 0; else a finite number or a boolean.
    InputError naming ``labels[i].field``.
    """
    given = _single(document)
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_LABELS:
        raise InputError(
            f"1 to {MAX_LABELS:,} labels are asked",
            subject="labels",
            next_step='send {"labels": [{"prediction_id": ..., "label": ...}]}',
        )
    return [_given(one, f"labels[{place}]", binary) for place, one in enumerate(given)]


def details_asked(document: Any) -> bool:
    """Whether the post asks what came of each label. InputError unless it is a boolean."""
    asked = document.get("details", False) if isinstance(document, dict) else False
    if not isinstance(asked, bool):
        raise InputError(
            "it must be true or false", subject="details", next_step="leave it out, or send true"
        )
    return asked


def _single(document: Any) -> Any:
    if not isinstance(document, dict):
        return None
    if "labels" not in document:
        return [{name: value for name, value in document.items() if name != "details"}]
    for name in document:
        if name not in ("labels", "details"):
            raise _unknown(name, name)
    return document["labels"]


def _given(one: Any, where: str, binary: bool) -> Given:
    if not isinstance(one, dict):
        raise InputError(
            "a label is an object", subject=where, next_step='send {"id": ..., "label": ...}'
        )
    for name in one:
        if name not in _KNOWN:
            raise _unknown(name, f"{where}.{name}")
    named = [name for name in _NAMED_BY if name in one]
    if len(named) != 1:
        raise InputError(
            f"{' and '.join(named) or 'nothing'} says what is labelled; exactly one must",
            subject=f"{where}.{named[1] if named else 'id'}",
            next_step="send prediction_id, or id, or entity with at",
        )
    by = named[0]
    if (by == "entity") != ("at" in one):
        raise InputError(
            "an entity needs a time" if by == "entity" else "a time is for an entity only",
            subject=f"{where}.at",
            next_step='send {"entity": ..., "at": ISO 8601 time, "label": ...}',
        )
    observed = one.get("observed_at")
    return Given(
        by,
        _name(one[by], f"{where}.{by}"),
        _value(one.get("label"), f"{where}.label", binary),
        _time(one["at"], f"{where}.at") if by == "entity" else None,
        None if observed is None else _time(observed, f"{where}.observed_at"),
    )


def _name(value: Any, where: str) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        text = str(value)
        if 0 < len(text) <= MAX_NAME:
            return text
    raise InputError(
        f"{str(value)[:60]!r} names nothing",
        subject=where,
        next_step=f"send a text of 1 to {MAX_NAME:,} characters, or a number",
    )


def _value(value: Any, where: str, binary: bool) -> float:
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and (not binary or number in (0.0, 1.0)):
            return number
    rule = "true, false, 1 or 0" if binary else "a finite number or a boolean"
    raise InputError(
        f"the label {str(value)[:60]!r} is not {rule}", subject=where, next_step=f"send {rule}"
    )


def _time(value: Any, where: str) -> datetime:
    """An instant; a time without an offset is UTC."""
    try:
        instant = datetime.fromisoformat(value)
        if FIRST_YEAR <= instant.year <= LAST_YEAR:  # so that an hour before it is a time too
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError):
        pass
    raise InputError(
        f"{str(value)[:60]!r} is not a time",
        subject=where,
        next_step="send ISO 8601, such as 2026-03-01T12:30:00Z",
    )


def _unknown(name: str, where: str) -> InputError:
    return InputError(
        f"a label has no field '{name[:60]}'",
        subject=where[:80],
        next_step="the fields are prediction_id, id, entity, at, label, observed_at; details",
    )
