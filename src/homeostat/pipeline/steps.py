"""Run a step, or take its result from the cache: key -> content digest -> blob.

A key covers everything the result depends on: the step's name, the code of the project and of
Homeostat, the environment, and the step's inputs by digest. A result is written to the blob
store before its key, so a process killed at any point leaves either the whole step or nothing.
Keys go by content: a changed step that yields the same bytes stops the wave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from homeostat.domain.codec import digest_of
from homeostat.domain.run import StepRecord
from homeostat.errors import BlobMissingError, HomeostatError, StepError
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.ports.step_cache import StepCache


@dataclass
class Steps:
    """Runs the steps of one run and remembers what each yielded.

    ``base`` is what all steps depend on (code, environment); ``progress`` is told of each step
    when it begins (0.0) and ends (1.0).
    """

    blobs: Blobs
    cache: StepCache
    clock: Clock
    base: tuple[str, ...]
    progress: Callable[[str, float], None]
    records: list[StepRecord] = field(default_factory=list)

    def run(
        self,
        name: str,
        inputs: object,
        make: Callable[[], bytes],
        *,
        whole: Callable[[bytes], bool] = lambda _: True,
    ) -> tuple[str, bytes]:
        """The digest and bytes of step ``name``; ``make`` is only called when they are missing.

        ``inputs`` (JSON values) is all that the result depends on besides ``base``. A cached
        result whose bytes are gone or altered, or of which ``whole`` says that content it names
        is gone, is made again. Raises StepError naming the step, with the cause chained.
        """
        key = digest_of({"step": name, "base": self.base, "inputs": inputs})
        self.progress(name, 0.0)
        began = self.clock.now()
        kept = self._kept(self.cache.get(key))
        cached = kept is not None and whole(kept[1])
        found, content = kept if kept is not None and cached else self._made(name, key, make)
        duration_s = (self.clock.now() - began).total_seconds()
        self.records.append(StepRecord(name, key, found, cached, duration_s))
        self.progress(name, 1.0)
        return found, content

    def _kept(self, digest: str | None) -> tuple[str, bytes] | None:
        if digest is None:
            return None
        try:
            return digest, self.blobs.get(digest)
        except BlobMissingError:
            return None

    def _made(self, name: str, key: str, make: Callable[[], bytes]) -> tuple[str, bytes]:
        content = _named(name, make)
        made = self.blobs.put(content)
        stands = self.cache.put(key, made)
        earlier = self._kept(stands) if stands != made else None
        return earlier or (made, content)


def _named(name: str, make: Callable[[], bytes]) -> bytes:
    """What ``make`` makes; any error as one that names the step."""
    try:
        return make()
    except StepError:
        raise
    except HomeostatError as error:
        where = f"{error.subject}: " if error.subject else ""
        raise StepError(
            f"{where}{error.problem} [{error.code}]", subject=name, next_step=error.next_step
        ) from error
    except Exception as error:
        raise StepError(
            f"{type(error).__name__}: {error}",
            subject=name,
            next_step="the run's log has the traceback; the next run goes on from this step",
        ) from error
