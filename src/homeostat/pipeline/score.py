"""Candidate and champion answer the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from homeostat.domain.run import RunRequest
from homeostat.errors import InputError, ModelLoadError
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.evaluate import Scored
from homeostat.pipeline.labels import TARGET
from homeostat.pipeline.preprocess import inputs
from homeostat.pipeline.scorer import Scorer, load_scorer
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

NO_CHAMPION = "there is no champion yet"


def scored(
    request: RunRequest,
    project: Project,
    blobs: Blobs,
    model: Any,
    parts: Sequence[pl.DataFrame],
) -> list[Scored]:
    """Both models' answers to each of ``parts``, frames with the features and ``__target``.

    A champion that cannot be loaded, or cannot take these rows (it was trained on a feature
    that the project no longer declares), does not stop the run: the comparison is then empty,
    its note says why, and the gate finds no evidence. Raises BlobMissingError when the
    champion's package is gone.
    """
    champion, note = _champion(request, blobs)
    found = []
    for rows in parts:
        given, truth = inputs(project, rows), rows[TARGET].to_numpy()
        ours = predictions(model, given)
        theirs, problem = _answers(champion, given)
        found.append(Scored(rows, truth, ours, theirs, problem or note))
    return found


def _champion(request: RunRequest, blobs: Blobs) -> tuple[Scorer | None, str]:
    if request.champion_package is None:
        return None, NO_CHAMPION
    package = blobs.get_tree(request.champion_package)
    try:
        return load_scorer(package, trusted_digest=request.champion_digest), ""
    except ModelLoadError as error:
        return None, f"version {request.champion_version} cannot be loaded: {error.problem}"


def _answers(champion: Scorer | None, rows: pl.DataFrame) -> tuple[Any, str]:
    if champion is None:
        return None, ""
    try:
        return champion.score(rows), ""
    except InputError as error:
        return None, f"the champion cannot take these rows: {error.subject}: {error.problem}"
