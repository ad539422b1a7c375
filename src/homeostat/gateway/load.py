"""What one worker has done and takes now, as it tells a controller. docs/signals.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from prometheus_client import Metric

from homeostat.gateway.machine import taken
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.problems import fault_codes
from homeostat.monitoring.load import WorkerLoad

WORK = frozenset({"predict", "labels", "features", "v2.infer", "grpc.ModelInfer"})
"""Routes that count. Probes, scrapes and pages would make the share of errors look small."""


class Load:
    """Counts of one worker since it started; the requests are those of its own ``/metrics``.

    ``queued`` tells how many rows wait in bounded queues.
    """

    def __init__(self, metrics: Metrics, queued: Callable[[], int]) -> None:
        self._metrics = metrics
        self._queued = queued
        self._began_s = monotonic()
        self._faults = fault_codes()

    def now(self) -> WorkerLoad:
        """As it is now."""
        machine = taken()
        latency, errors = self._metrics.latency.collect(), self._metrics.errors.collect()
        failed = (n for labels, n in _counts(errors, "_total") if labels["code"] in self._faults)
        return WorkerLoad(
            age_s=monotonic() - self._began_s,
            requests=int(sum(n for _, n in _counts(latency, "_count"))),
            server_errors=int(sum(failed)),
            cpu_s=machine.cpu_s,
            resident_bytes=machine.resident_bytes,
            memory_bytes=machine.memory_bytes,
            processors=machine.processors,
            queue_rows=self._queued(),
        )


def _counts(found: Iterable[Metric], ending: str) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of each sample of a route that counts."""
    for metric in found:
        for sample in metric.samples:
            if sample.name.endswith(ending) and sample.labels.get("route") in WORK:
                yield sample.labels, sample.value
