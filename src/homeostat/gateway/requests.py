"""From a request's body to rows and labels, or to an error that names the field. PURE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from homeostat.errors import InputError

if TYPE_CHECKING:
    import polars as pl

MAX_ROWS = 10_000
"""Most rows in one request."""
MAX_BYTES = 16 * 1024 * 1024
"""Largest body."""


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


def rows_of(
    document: Any, identity: str, entity: str | None, schema: Any
) -> tuple[pl.DataFrame, bool]:
    """Rows of a predict request, and whether it was a single one.

    One record, or ``{"rows": [record, ...]}``. A record has the features by name; the event's
    id and the entity are optional and default to a value of the row's own. Unknown names are
    errors, so that a misspelt feature does not become a null.
    """
    import polars as pl

    records, single = _records(document)
    allowed = {*schema.names, identity, *((entity,) if entity else ())}
    for place, record in enumerate(records):
        for name, value in record.items():
            if name not in allowed:
                raise InputError(
                    f"there is no feature '{name}'",
                    subject=f"rows[{place}].{name}",
                    next_step=f"the features are {', '.join(schema.names)}",
                )
            if isinstance(value, (list, dict)):
                raise InputError(
                    f"'{name}' is not a single value",
                    subject=f"rows[{place}].{name}",
                    next_step="send a number, a text, true, false or null",
                )
        for name in schema.names:
            if name not in record:
                raise InputError(
                    f"'{name}' is missing",
                    subject=f"rows[{place}].{name}",
                    next_step="send it, with null where it is not known",
                )
    columns = {
        name: pl.Series(name, [record[name] for record in records], strict=False)
        for name in schema.names
    }
    for name in (identity, *((entity,) if entity and entity != identity else ())):
        if name not in columns:
            given = [record.get(name) for record in records]
            columns[name] = pl.Series(
                name, [None if v is None else str(v) for v in given], pl.String
            )
    return pl.DataFrame(columns), single


def _records(document: Any) -> tuple[list[dict[str, Any]], bool]:
    single = isinstance(document, dict) and "rows" not in document
    records = [document] if single else document.get("rows") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise InputError(
            "the body is neither a record nor {'rows': [record, ...]}",
            subject="rows",
            next_step="send an object with the features by name",
        )
    if not 1 <= len(records) <= MAX_ROWS:
        raise InputError(
            f"{len(records)} rows, 1 to {MAX_ROWS:,} can be answered at once",
            subject="rows",
            next_step="split the request",
        )
    return records, single


def labels_of(document: Any) -> dict[str, float]:
    """Labels by event id: ``{"id": ..., "label": ...}`` or ``{"labels": [...]}``.

    A label is a number or a boolean. The last one of several for the same id counts.
    """
    given = document.get("labels", [document]) if isinstance(document, dict) else document
    if not isinstance(given, list) or not given or len(given) > MAX_ROWS:
        raise InputError(
            f"1 to {MAX_ROWS:,} labels are asked",
            subject="labels",
            next_step='send {"labels": [{"id": ..., "label": ...}]}',
        )
    found: dict[str, float] = {}
    for place, record in enumerate(given):
        if not isinstance(record, dict) or not isinstance(record.get("id"), (str, int)):
            raise InputError(
                "a label has no id", subject=f"labels[{place}].id", next_step="send the event's id"
            )
        value = record.get("label")
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(
                f"the label {value!r} is not a number or boolean",
                subject=f"labels[{place}].label",
                next_step="send true or false, or a number",
            )
        found[str(record["id"])] = float(value)
    return found
