"""A state folder of its own for each back-test; nothing but a back-test's is ever overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

from homeostat.errors import OrderError

MARK = "backtest.json"
"""The file that says a state folder was made by a back-test; later it holds the result."""


def make_fresh(state: Path, *, overwrite: bool) -> None:
    """Make an empty state folder for a back-test.

    Raises OrderError when there is something already, unless ``overwrite`` is given and it was
    made by a back-test: a state that a controller works on is never removed.
    """
    if state.exists() and not state.is_dir():
        raise _refused(state, "it is a file", "give another --state")
    if state.is_dir() and any(state.iterdir()):
        if not (state / MARK).is_file():
            raise _refused(
                state, "the folder holds something that no back-test made", "give another --state"
            )
        if not overwrite:
            raise _refused(
                state,
                "the folder holds the state of an earlier back-test",
                "give --overwrite to replace it, or another --state",
            )
        shutil.rmtree(state)
    state.mkdir(parents=True, exist_ok=True)
    (state / MARK).write_bytes(b"{}\n")


def _refused(state: Path, problem: str, next_step: str) -> OrderError:
    return OrderError(problem, subject=str(state), next_step=next_step)
