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


_COUNTERS = {
    "predictions": ("predictions_total", "Predictions answered.", ("version", "arm")),
    "errors": ("errors_total", "Requests answered with an error, by its code.", ("route", "code")),
    "labels": ("labels_total", "Labels received, by what came of them.", ("outcome",)),
    "shadows": (
        "shadow_rows_total",
        "Rows for other arms: scored, dropped for want of time, or failed.",
        ("outcome",),
    ),
    "unlogged": (
        "unlogged_predictions_total",
        "Predictions answered although the log could not be written, as declared.",
        (),
    ),
}  # fmt: skip

_GAUGES = {
    "share": (
        "arm_share",
        "Share of traffic that a version answers; 0 in shadow, dark or gone.",
        ("version",),
        "mostrecent",
    ),
    "waiting": (
        "waiting_requests", "Requests that wait for a thread or are in one.", (), "livesum",
    ),
    "shadow_waiting": (
        "waiting_shadow_rows", "Rows that wait to be scored by other arms.", (), "livesum",
    ),
    "connections": ("connections", "Open connections.", (), "livesum"),
    "workers": ("workers", "Workers that answer.", (), "livesum"),
    "log_bytes": (
        "log_unsealed_bytes",
        "Bytes of the prediction log that are not sealed into Parquet yet.",
        (),
        "mostrecent",
    ),
    "log_lag": (
        "log_lag_seconds",
        "Age of the oldest part of the prediction log that is not sealed yet.",
        (),
        "mostrecent",
    ),
    "freshness": (
        "feature_age_seconds",
        "Age of the newest row of a feature view in the online store.",
        ("view",),
        "mostrecent",
    ),
    "controller": (
        "controller_up",
        "1 while the controller is heard, 0 when the last good routing is served without it.",
        (),
        "mostrecent",
    ),
}  # fmt: skip


class Metrics:
    """The metrics of one model in a registry of their own. Each has the label ``model``."""

    predictions: Counter
    errors: Counter
    labels: Counter
    shadows: Counter
    unlogged: Counter
    share: Gauge
    waiting: Gauge
    shadow_waiting: Gauge
    connections: Gauge
    workers: Gauge
    log_bytes: Gauge
    log_lag: Gauge
    freshness: Gauge
    controller: Gauge

    def __init__(self, model: str) -> None:
        self._model = model
        self.registry = CollectorRegistry()
        self.latency = Histogram(
            "homeostat_request_seconds",
            "Time from a request's arrival to its answer.",
            ["model", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.prediction_latency = Histogram(
            "homeostat_prediction_seconds",
            "Time from the arrival of a request for one row to its prediction in the log.",
            ["model", "version", "arm"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        for attribute, (name, text, labels) in _COUNTERS.items():
            counter = Counter(f"homeostat_{name}", text, ["model", *labels], registry=self.registry)
            setattr(self, attribute, counter)
        for attribute, (name, text, labels, mode) in _GAUGES.items():
            gauge = Gauge(
                f"homeostat_{name}",
                text,
                ["model", *labels],
                registry=self.registry,
                multiprocess_mode=mode,  # type: ignore[arg-type]
            )
            setattr(self, attribute, gauge)
        self._versions: dict[tuple[int, str], Counter] = {}
        self._latencies: dict[tuple[int, str], Histogram] = {}

    def predicted(self, version: int, arm: str, count: int = 1) -> None:
        """Count predictions of a version in its role."""
        known = self._versions.get((version, arm))
        if known is None:
            known = self.predictions.labels(self._model, str(version), arm)
            self._versions[version, arm] = known
        known.inc(count)

    def answered(self, version: int, arm: str, spent_s: float) -> None:
        """Count one prediction of a version in its role, and the time that it took."""
        self.predicted(version, arm)
        known = self._latencies.get((version, arm))
        if known is None:
            known = self.prediction_latency.labels(self._model, str(version), arm)
            self._latencies[version, arm] = known
        known.observe(spent_s)

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
