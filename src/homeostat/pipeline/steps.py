"""Run a step, or take its result from the cache: key -> content digest -> blob.

A key covers everything the result depends on: the step's name, the project's code, Homeostat's
version, the environment, and the step's inputs by digest. A result is written to the blob
store before its key, so a process killed at any point leaves either the whole step or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from homeostat import __version__
from homeostat.domain.codec import digest_of
from homeostat.domain.run import StepRecord
from homeostat.errors import HomeostatError, StepError
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

    def run(self, name: str, inputs: object, make: Callable[[], bytes]) -> tuple[str, bytes]:
        """The digest and bytes of step ``name``; ``make`` is only called when they are missing.

        Raises StepError naming the step, with the cause chained, for a typed error in ``make``.
        """
        key = digest_of([name, __version__, self.base, inputs])
        self.progress(name, 0.0)
        began = self.clock.now()
        known = self.cache.get(key)
        cached = known is not None and self.blobs.has(known)
        if known is not None and cached:
            found, content = known, self.blobs.get(known)
        else:
            content = self._made(name, make)
            found = self.cache.put(key, self.blobs.put(content))
            content = self.blobs.get(found)
        duration_s = (self.clock.now() - began).total_seconds()
        self.records.append(StepRecord(name, key, found, cached, duration_s))
        self.progress(name, 1.0)
        return found, content

    def _made(self, name: str, make: Callable[[], bytes]) -> bytes:
        try:
            return make()
        except StepError:
            raise
        except HomeostatError as error:
            raise StepError(
                f"step '{name}' failed: {error}", subject=name, next_step=error.next_step
            ) from error
