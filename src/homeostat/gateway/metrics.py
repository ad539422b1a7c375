"""What Prometheus scrapes from ``/metrics``. docs/http.md lists every name."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The gateway's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.predictions = Counter(
            "homeostat_predictions_total",
            "Predictions answered.",
            ["model", "version", "arm"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "homeostat_request_seconds",
            "Time from a request's arrival to its answer.",
            ["model", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.errors = Counter(
            "homeostat_errors_total",
            "Requests answered with an error, by its code.",
            ["model", "route", "code"],
            registry=self.registry,
        )
        self.labels = Counter(
            "homeostat_labels_total",
            "Labels received: accepted, repeated or corrected.",
            ["model", "outcome"],
            registry=self.registry,
        )
        self.share = Gauge(
            "homeostat_arm_share",
            "Share of traffic that a version answers; 0 in shadow.",
            ["model", "version"],
            registry=self.registry,
        )
        self.controller = Gauge(
            "homeostat_controller_up",
            "1 while the controller makes its passes, 0 when the last one failed.",
            ["model"],
            registry=self.registry,
        )
