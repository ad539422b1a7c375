"""The friendly JSON answer: prediction, probabilities, version, ids. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from homeostat.gateway.asked import Answers
from homeostat.gateway.rows import Row

THRESHOLD = 0.5
"""A probability from here on gives the label true."""


def one(row: Row, binary: bool) -> bytes:
    """The answer to one record."""
    return orjson.dumps(
        _shape(row.id, row.event, row.arm.arm.version, row.prediction, row.flags, binary)
    )


def many(answers: Answers, binary: bool) -> bytes:
    """The answers to many records, in their order."""
    flags: Sequence[Sequence[str]] = answers.flags or [()] * len(answers.ids)
    shapes = [
        _shape(*found, binary)
        for found in zip(
            answers.ids,
            answers.events,
            answers.versions,
            answers.predictions,
            flags,
            strict=True,
        )
    ]
    return orjson.dumps({"predictions": shapes})


def _shape(
    identity: str,
    event: str,
    version: int,
    prediction: float,
    flags: Sequence[str],
    binary: bool,
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": identity,
        "event_id": event,
        "version": version,
        "prediction": prediction,
    }
    if binary:
        answer["label"] = prediction >= THRESHOLD
        answer["probabilities"] = (1.0 - prediction, prediction)
    if flags:
        answer["flags"] = flags
    return answer
