"""The names of all signals of a project: what a condition can read."""

from __future__ import annotations

from homeostat.spec.foretold import FORETOLD
from homeostat.spec.project import Project
from homeostat.spec.service_signals import SERVICE_SIGNALS


def signal_names(project: Project) -> frozenset[str]:
    """Every signal that ``project`` has, families by member: ``psi.temp``.

    docs/signals.md describes them; monitoring/signals.py makes them, and a test holds the two
    together.
    """
    names = {
        *project.metrics.names,
        f"{project.metrics.primary}_at_promotion",
        f"{project.metrics.primary}_low", f"{project.metrics.primary}_high",
        "labels", "new_labels", "predictions", "champion_age_d", "psi_max", "drifted_share",
        "drifted", "drifted_weight", "prediction_drift_p", "outside_share",
    }  # fmt: skip
    for feature in project.features.names:
        names |= {f"psi.{feature}", f"null_share.{feature}", f"drift_p.{feature}"}
    names |= {f"segment.{segment}" for segment in project.metrics.segments}
    names |= {f"change.{detector}" for detector in project.monitors.change}
    names |= {
        f"estimated.{metric}"
        for metric in project.metrics.names
        if metric in FORETOLD[project.task]
    }
    for source in project.sources:
        names |= {f"data_age_h.{source}", f"quarantined.{source}"}
    return frozenset({*names, *SERVICE_SIGNALS})
