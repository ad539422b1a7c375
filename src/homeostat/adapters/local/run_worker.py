"""The process of one run: ``python -m homeostat.adapters.local.run_worker FOLDER LOCK``.

``LOCK`` is an inherited file descriptor with an exclusive lock, which tells others that this
process lives. The answer goes to ``result.json`` in ``FOLDER``; what is printed, to its log.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from homeostat.adapters.local.inline_runner import outcome
from homeostat.adapters.local.run_folder import Job, Progress, RunFolder
from homeostat.domain.run import Candidate, RunRequest

Execute = Callable[[RunRequest, Path, Path, Callable[[str, float], None]], Candidate]


def run_project(
    request: RunRequest, project: Path, state: Path, progress: Callable[[str, float], None]
) -> Candidate:
    """Run the training pipeline of the project folder on its state folder."""
    from homeostat.adapters.local.file_blobs import FileBlobs
    from homeostat.adapters.local.sqlite_step_cache import SqliteStepCache
    from homeostat.adapters.local.system_clock import SystemClock
    from homeostat.pipeline.run import run_pipeline
    from homeostat.spec.load import load_project

    return run_pipeline(
        request,
        load_project(project),
        project,
        FileBlobs(state / "blobs"),
        SqliteStepCache(state / "state.db"),
        SystemClock(),
        progress,
    )


def work(folder: RunFolder, job: Job) -> None:
    """Do the job and write how it ended."""
    module, _, name = job.execute.partition(":")
    execute: Execute = getattr(importlib.import_module(module), name)

    def told(step: str, share: float) -> None:
        folder.write_progress(Progress(step, share))

    def once(request: RunRequest) -> Candidate:
        try:
            return execute(request, Path(job.project), Path(job.state), told)
        except Exception:
            traceback.print_exc()  # into worker.log; the answer carries one line of it
            raise

    folder.write_result(outcome(job.request, once))


def main(arguments: list[str]) -> int:
    """Exit status 0 when an answer was written, 2 when there was nothing to do."""
    path, lock = Path(arguments[0]), int(arguments[1])
    os.set_inheritable(lock, False)  # our own children must not keep the lock alive
    folder = RunFolder(path.parent, unquote(path.name))
    job = folder.job()
    if job is None:
        return 2
    work(folder, job)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
