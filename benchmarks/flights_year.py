"""The flights year once more: alerts, drift in disturbed and undisturbed weeks, time to detection.

Reads the state that ``make demo`` left in build/demo. Each day on which a champion served is a
look at its last window; a look alarms when any feature drifted, or its predictions did. A week is
disturbed when a disturbance lies in the window of one of its looks. Nothing here is tuned: the
year is what it is, and features that follow the seasons do drift from a spring training.

    python benchmarks/flights_year.py
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from homeostat.domain.backtest import BacktestResult
from homeostat.domain.codec import from_builtins
from homeostat.domain.recorded import Recorded
from homeostat.monitoring.drift import Looked, judge
from homeostat.monitoring.window_profile import WindowProfiles
from homeostat.stats.estimate.trust import MAX_OUTSIDE
from homeostat.wiring import Assembly, assemble

ROOT = Path(__file__).resolve().parents[1]
PROJECT, STATE = ROOT / "examples" / "flights", ROOT / "build" / "demo"
DAY = timedelta(days=1)


def main() -> int:
    """Print the year; exit status 1 without the demo's state."""
    out = Console()
    if not (STATE / "backtest.json").is_file():
        out.print("There is no build/demo: run `make demo` first.")
        return 1
    result = from_builtins(json.loads((STATE / "backtest.json").read_bytes()), BacktestResult)
    wired = assemble(PROJECT, STATE, workers=False)
    recorded = wired.engine.refresh()
    looks = list(year(wired, recorded, result))
    out.print(of_looks(looks, result, wired.project.monitors.window))
    out.print(of_features(looks))
    out.print(of_disturbances(result))
    alerts = [d for d in result.decisions if str(d.kind) == "alert"]
    out.print(f"\n{len(alerts)} alerts in the ledger of the year:")
    for one in alerts:
        out.print(f"  {one.at:%d %b}  {one.reason[:110]}", markup=False)
    return 0


def year(wired: Assembly, recorded: Recorded, result: BacktestResult):  # type: ignore[no-untyped-def]
    """Each day's look, of the version that was champion then."""
    profiles = WindowProfiles(wired.blobs, wired.log)
    window = wired.project.monitors.window
    first = recorded.tenures[0].since + window
    days = int((result.until - first) / DAY)
    for number in track(range(days), "looking at each day"):
        at = first + number * DAY
        tenure = recorded.champion_at(at)
        if tenure is None or tenure.since > at - window / 2:
            continue  # the window holds mostly what its predecessor answered
        version = recorded.version(tenure.version)
        yield judge(profiles, version, wired.project.monitors, at - window, at)


def disturbed(looked: Looked, result: BacktestResult) -> bool:
    """Whether a disturbance lies in the window."""
    return any(
        one.since < looked.until and (one.until or one.since + DAY) > looked.since
        for one in result.disturbed
    )


def of_looks(looks: list[Looked], result: BacktestResult, window: timedelta) -> Table:
    """How many looks alarmed, in disturbed and undisturbed time."""
    table = Table(title=f"looks at the last {window.days} days, one a day")
    for name in ("", "looks", "feature drifted", "prediction drifted", "outside > 5 %"):
        table.add_column(name, justify="left" if not name else "right")
    for title, wanted in (("undisturbed", False), ("disturbed", True)):
        part = [one for one in looks if disturbed(one, result) is wanted and one.features.known]
        table.add_row(
            title,
            str(len(part)),
            str(sum(bool(one.features.drifted) for one in part)),
            str(sum(one.prediction is not None and bool(one.prediction.drifted) for one in part)),
            str(sum(one.outside is not None and one.outside.share > MAX_OUTSIDE for one in part)),
        )
    return table


def of_features(looks: list[Looked]) -> Table:
    """Which features alarmed most."""
    counted: dict[str, int] = {}
    for look in looks:
        for one in look.features.drifted:
            counted[one.name] = counted.get(one.name, 0) + 1
    table = Table(title="features by looks in which they drifted")
    table.add_column("feature")
    table.add_column("looks", justify="right")
    for name, number in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:10]:
        table.add_row(name, str(number))
    return table


def of_disturbances(result: BacktestResult) -> Table:
    """Time from each injected disturbance to the first decision against it."""
    table = Table(title="injected disturbances")
    for name in ("name", "since", "noticed", "after"):
        table.add_column(name)
    for one in result.disturbed:
        noticed = one.noticed_at
        table.add_row(
            one.name,
            f"{one.since:%d %b %H:%M}",
            "-" if noticed is None else f"{noticed:%d %b %H:%M}",
            "-" if noticed is None else str(noticed - one.since),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
