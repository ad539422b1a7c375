"""The names of the signals of the service itself, and of a model's health."""

from __future__ import annotations

SERVICE_SIGNALS: tuple[str, ...] = (
    "latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "throughput_per_s", "error_share",
    "cpu_share", "memory_share", "queue_rows", "log_lag_s", "cost_per_1000",
    "slow", "failing", "busy", "health",
)  # fmt: skip
