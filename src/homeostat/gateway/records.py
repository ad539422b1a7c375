"""From a request's JSON to records, and from many records to columns. PURE."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from homeostat.errors import InputError

_ABSENT = object()


def parsed(body: bytes) -> Any:
    """The JSON in ``body``; InputError for malformed JSON, NaN and Infinity among it."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"the body is not JSON: {error}",
            subject="body",
            next_step="send a JSON object; write null for a missing number, never NaN",
        ) from error


def records_of(document: Any) -> list[dict[str, Any]]:
    """The records in ``{"rows": [record, ...]}``. InputError for anything else."""
    records = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(type(record) is dict for record in records):
        raise InputError(
            "the body is neither a record nor {'rows': [record, ...]}",
            subject="rows",
            next_step="send an object with the features by name",
        )
    beside = next((name for name in document if name != "rows"), None)
    if beside is not None:
        raise InputError(
            f"'{beside}' stands beside 'rows'",
            subject=beside,
            next_step="send the records in 'rows' and nothing else",
        )
    if not records:
        raise InputError("there are no rows", subject="rows", next_step="send one at least")
    return records


def columns_of(
    records: Sequence[Mapping[str, Any]], names: Sequence[str], optional: Collection[str]
) -> dict[str, list[Any]]:
    """Records as columns: all of ``names``, and those of ``optional`` that any record has.

    Raises InputError for a name that is missing or unknown, with the row's place. Unknown names
    are errors, so that a misspelt feature does not become a null.
    """
    columns: dict[str, list[Any]] = {}
    for name in names:
        try:
            columns[name] = [record[name] for record in records]
        except KeyError:
            place = next(place for place, record in enumerate(records) if name not in record)
            raise InputError(
                f"'{name}' is missing",
                subject=f"rows[{place}].{name}",
                next_step="send it, with null where it is not known",
            ) from None
    spare = [name for name in optional if name not in columns]
    counts = [len(names)] * len(records)
    for name in spare:
        values = [record.get(name, _ABSENT) for record in records]
        if any(value is not _ABSENT for value in values):
            counts = [
                count + (value is not _ABSENT) for count, value in zip(counts, values, strict=True)
            ]
            columns[name] = [None if value is _ABSENT else value for value in values]
    for place, (record, count) in enumerate(zip(records, counts, strict=True)):
        if len(record) != count:
            unknown = next(name for name in record if name not in columns)
            raise InputError(
                f"there is no feature '{unknown}'",
                subject=f"rows[{place}].{unknown}",
                next_step=f"the features are {', '.join(names)}",
            )
    return columns
