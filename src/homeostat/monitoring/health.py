"""One health score per model, composed of its signals. docs/signals.md says how points are lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import OpenAlert, Recorded
from homeostat.features.own_metrics import NONE, OwnMetrics, named
from homeostat.loop.monitor import alert_name
from homeostat.policy.expression import compile_expression
from homeostat.spec.project import Project
from homeostat.stats.health import Health, Symptom, health
from homeostat.stats.metrics import less_is_better

HEALTH = "health"
FALL, WORST_FALL = 0.05, 0.25
"""Of the metric at promotion: what it may lose, and what counts as the worst."""
WORST_DRIFT = 0.5
"""Weight of drifted features that counts as the worst; none may drift."""
LATE, WORST_LATE = 2.0, 7.0
"""Of a source's ``every``: the age that its data may have, and the worst."""
LEAST_EVERY = timedelta(minutes=1)
"""A source that is asked more often than this is judged as if it were asked so often."""
WORST_QUARANTINED = 3.0
"""Windows in quarantine; none may be."""
LAG_S, WORST_LAG_S = 2 * 3600.0, 6 * 3600.0
"""Age of what is not sealed: segments are closed once an hour."""
SEVERITIES = {"info": 0.0, "warning": 1.0, "critical": 3.0}
WORST_ALERTS = 3.0
"""One critical alert, or three warnings."""


def health_of(
    project: Project,
    signals: Mapping[str, Signal],
    alerts: Collection[OpenAlert] | None = None,
    own: OwnMetrics = NONE,
) -> Health:
    """Health of the model of ``project``: 100 less the points that its signals cost.

    See :func:`homeostat.stats.health.health` for how points are shared out. Each symptom costs
    nothing up to its limit, then linearly more up to its worst value:

    ======== ================================== ========================= ====================
    part     symptom                            limit                     worst
    ======== ================================== ========================= ====================
    quality  the primary metric, or where it    5 % worse than at         25 % worse
             has no value ``estimated.<it>``    promotion
    drift    ``drifted_weight``                 0                         0.5
    drift    ``prediction_drift_p``             the level of one look     0
    data     ``data_age_h`` of the worst source 2 times its ``every``     7 times
    data     ``quarantined`` of the worst one   0                         3 windows
    service  ``slow``, ``busy``, ``failing``    0                         1
             (which counts twice)
    service  ``log_lag_s``                      2 hours                   6 hours
    rollout  open alerts: a critical one is 3,  0                         3
             a warning 1
    ======== ================================== ========================= ====================

    The level of one look is ``drift.look_every / drift.false_alarm_every``. A signal without a
    value, or that is not in ``signals``, costs half of what it can. ``alerts`` None: not known.
    An alert whose condition reads ``health`` itself does not count: it could never close.
    """
    found = [
        _quality(project, signals, own),
        *_drift(project, signals),
        *_data(project, signals),
        *_service(signals),
    ]
    if alerts is not None:
        found.append(_alerts(project, alerts))
    return health(found)


def health_signal(
    project: Project,
    signals: Mapping[str, Signal],
    recorded: Recorded,
    now: datetime,
    own: OwnMetrics = NONE,
) -> Signal:
    """``health``, from 0 to 100; without a champion there is nothing to be healthy."""
    if recorded.champion is None:
        return Signal(HEALTH, None, now, 0.0, 0)
    found = health_of(project, signals, tuple(recorded.alerts.values()), own)
    return Signal(HEALTH, float(found.score), now, 0.0, 0)


def _quality(project: Project, signals: Mapping[str, Signal], own: OwnMetrics) -> Symptom:
    """The metric now, as measured or else as foretold, against what it was at promotion."""
    primary = project.metrics.primary
    promoted = _value(signals, f"{primary}_at_promotion")
    if promoted is None:
        return Symptom(primary, "quality", None, 0.0, 1.0)
    name, value = primary, _value(signals, primary)
    foretold = _value(signals, f"estimated.{primary}")
    if value is None and foretold is not None:
        name, value = f"estimated.{primary}", foretold
    whole = abs(promoted) if abs(promoted) > 1e-12 else 1.0
    worse = whole if less_is_better(named(primary, own)) else -whole
    return Symptom(name, "quality", value, promoted + FALL * worse, promoted + WORST_FALL * worse)


def _drift(project: Project, signals: Mapping[str, Signal]) -> list[Symptom]:
    drift = project.monitors.drift
    level = drift.look_every / drift.false_alarm_every
    return [
        Symptom("drifted_weight", "drift", _value(signals, "drifted_weight"), 0.0, WORST_DRIFT),
        Symptom("prediction_drift_p", "drift", _value(signals, "prediction_drift_p"), level, 0.0),
    ]


def _data(project: Project, signals: Mapping[str, Signal]) -> list[Symptom]:
    """Of each kind that of the worst source, so that one bad source among many weighs enough."""
    ages, refused = [], []
    for name, source in project.sources.items():
        every_h = max(source.every, LEAST_EVERY) / timedelta(hours=1)
        age = _value(signals, f"data_age_h.{name}")
        limit, worst = LATE * every_h, WORST_LATE * every_h
        ages.append(Symptom(f"data_age_h.{name}", "data", age, limit, worst, unit="h"))
        bad = _value(signals, f"quarantined.{name}")
        refused.append(Symptom(f"quarantined.{name}", "data", bad, 0.0, WORST_QUARANTINED))
    return [max(each, key=Symptom.severity) for each in (ages, refused) if each]


def _service(signals: Mapping[str, Signal]) -> list[Symptom]:
    lag = _value(signals, "log_lag_s")
    return [
        Symptom("slow", "service", _value(signals, "slow"), 0.0, 1.0),
        Symptom("failing", "service", _value(signals, "failing"), 0.0, 1.0, weight=2.0),
        Symptom("busy", "service", _value(signals, "busy"), 0.0, 1.0),
        Symptom("log_lag_s", "service", lag, LAG_S, WORST_LAG_S, unit="s"),
    ]


def _alerts(project: Project, alerts: Collection[OpenAlert]) -> Symptom:
    """What open alerts weigh together; those on the health itself are left out."""
    rules = {alert_name("rule", n): rule.when for n, rule in project.policy.rules.items()}
    triggers = {
        alert_name("trigger", name): trigger.when
        for name, trigger in project.triggers.items()
        if trigger.when is not None
    }
    conditions = rules | triggers
    weight = sum(
        SEVERITIES.get(alert.severity, 1.0)
        for alert in alerts
        if HEALTH not in _reads(conditions.get(alert.name))
    )
    return Symptom("open alerts", "rollout", weight, 0.0, WORST_ALERTS)


def _reads(condition: str | None) -> tuple[str, ...]:
    return compile_expression(condition).names if condition is not None else ()


def _value(signals: Mapping[str, Signal], name: str) -> float | None:
    found = signals.get(name)
    return found.value if found is not None else None
