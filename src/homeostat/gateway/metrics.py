"""What Prometheus scrapes from ``/metrics``. docs/http.md lists every name.

Several workers share one port, so each counts into files of its own in one folder
(prometheus_client's multiprocess mode, switched on by ``PROMETHEUS_MULTIPROC_DIR``), and any of
them answers for all.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from homeostat.domain.rollout import Routing

BUCKETS_S = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip
SHARED = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The metrics of one model in a registry of their own."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.registry = CollectorRegistry()
        given = self.registry
        self.predictions = Counter(
            "homeostat_predictions_total",
            "Predictions answered.",
            ["model", "version", "arm"],
            registry=given,
        )
        self.latency = Histogram(
            "homeostat_request_seconds",
            "Time from a request's arrival to its answer.",
            ["model", "route"],
            buckets=BUCKETS_S,
            registry=given,
        )
        self.errors = Counter(
            "homeostat_errors_total",
            "Requests answered with an error, by its code.",
            ["model", "route", "code"],
            registry=given,
        )
        self.labels = Counter(
            "homeostat_labels_total",
            "Labels received, by what came of them.",
            ["model", "outcome"],
            registry=given,
        )
        self.shadows = Counter(
            "homeostat_shadow_rows_total",
            "Rows for other arms: scored, dropped for want of time, or failed.",
            ["model", "outcome"],
            registry=given,
        )
        self.unlogged = Counter(
            "homeostat_unlogged_predictions_total",
            "Predictions answered although the log could not be written, as declared.",
            ["model"],
            registry=given,
        )
        self._gauges(given)
        self._versions: dict[tuple[int, str], Counter] = {}

    def _gauges(self, given: CollectorRegistry) -> None:
        def gauge(name: str, text: str, labels: list[str], mode: str) -> Gauge:
            return Gauge(
                name,
                text,
                labels,
                registry=given,
                multiprocess_mode=mode,  # type: ignore[arg-type]
            )

        self.share = gauge(
            "homeostat_arm_share",
            "Share of traffic that a version answers; 0 in shadow, dark or gone.",
            ["model", "version"],
            "mostrecent",
        )
        self.waiting = gauge(
            "homeostat_waiting_requests",
            "Requests that wait for a thread or are in one.",
            ["model"],
            "livesum",
        )
        self.shadow_waiting = gauge(
            "homeostat_waiting_shadow_rows",
            "Rows that wait to be scored by other arms.",
            ["model"],
            "livesum",
        )
        self.connections = gauge("homeostat_connections", "Open connections.", ["model"], "livesum")
        self.workers = gauge("homeostat_workers", "Workers that answer.", ["model"], "livesum")
        self.log_bytes = gauge(
            "homeostat_log_unsealed_bytes",
            "Bytes of the prediction log that are not sealed into Parquet yet.",
            ["model"],
            "mostrecent",
        )
        self.log_lag = gauge(
            "homeostat_log_lag_seconds",
            "Age of the oldest part of the prediction log that is not sealed yet.",
            ["model"],
            "mostrecent",
        )
        self.freshness = gauge(
            "homeostat_feature_age_seconds",
            "Age of the newest row of a feature view in the online store.",
            ["model", "view"],
            "mostrecent",
        )
        self.controller = gauge(
            "homeostat_controller_up",
            "1 while the controller is heard, 0 when the last good routing is served without it.",
            ["model"],
            "mostrecent",
        )

    def predicted(self, version: int, arm: str, count: int = 1) -> None:
        """Count predictions of a version in its role."""
        known = self._versions.get((version, arm))
        if known is None:
            known = self.predictions.labels(self._model, str(version), arm)
            self._versions[version, arm] = known
        known.inc(count)

    def routed(self, routing: Routing, before: Routing) -> None:
        """Show the shares of ``routing``; what is gone has none."""
        for arm in before.arms:
            self.share.labels(self._model, str(arm.version)).set(0)
        for arm in routing.arms:
            share = 0.0 if arm.shadow else arm.share
            self.share.labels(self._model, str(arm.version)).set(share)

    def text(self) -> bytes:
        """The page, of all workers when there are several."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        whole = CollectorRegistry()
        multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        return generate_latest(whole)
