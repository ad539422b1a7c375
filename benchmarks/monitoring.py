"""How fast drift, comparisons and signals are, beside Evidently on the same files in one run.

Run: python benchmarks/monitoring.py [--rows 1000000] [--models 1000] [--no-peer] [--no-fleet]

Imports are left out of all times, ours and the peer's: each is called once on a few rows first.
Our times are the best of several runs; those of peers, and of a pass over many models, are of one.
Wall time is judged; where it is above a limit and the processor time is not, the line says so:
others may have been at work.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parent / "drift_peers"))

import delong_peer
import environments
import fleet
import numpy as np
import polars as pl
import seeded
from sklearn.metrics import roc_auc_score

from homeostat.features.profile_columns import columns_of
from homeostat.stats.compare.multiplicity import holm
from homeostat.stats.compare.paired import paired
from homeostat.stats.drift.calibrated import calibrate
from homeostat.stats.drift.distances import DISTANCES
from homeostat.stats.drift.portfolio import Asked, Drift, drift_of, rounded_rows
from homeostat.stats.drift.reference import Reference, reference_of
from homeostat.stats.profile import count, cut

DAY_S = 86_400.0
REFERENCE_DAYS, WINDOW_DAYS = 60, 7
HOURLY: dict[str, object] = {"window": "1h", "drift": {"look_every": "1h"}}
missed: list[str] = []


@dataclass(frozen=True)
class Took:
    """Seconds of wall and of processor (all threads together)."""

    wall: float
    busy: float


def clocked(work: Callable[[], Any]) -> tuple[Took, Any]:
    """The times of one run, and its answer."""
    began, busy = perf_counter(), process_time()
    out = work()
    return Took(perf_counter() - began, process_time() - busy), out


def best(work: Callable[[], Any], repeat: int = 5) -> tuple[Took, Any]:
    """The shortest times of ``repeat`` runs, and the last answer."""
    runs = [clocked(work) for _ in range(repeat)]
    took = Took(min(one.wall for one, _ in runs), min(one.busy for one, _ in runs))
    return took, runs[-1][1]


def timed(seconds: float) -> str:
    """Seconds as text, in milliseconds below one second."""
    return f"{seconds:,.2f} s" if seconds >= 1 else f"{seconds * 1000:,.2f} ms"


def line(what: str, shown: str, note: str = "") -> None:
    """One line of the table."""
    print(f"{what:<58}{shown:>18}   {note}", flush=True)


def judged(what: str, took: Took, limit: float, note: str = "") -> None:
    """A line with its limit in seconds."""
    shown = f"at most {timed(limit)}: "
    if took.wall <= limit:
        shown += "met"
    else:
        missed.append(what.strip())
        shown += "NOT MET" + (", though by processor time" if took.busy <= limit else "")
    shown += f" ({timed(took.busy)} of processor)"
    line(what, timed(took.wall), f"{shown}; {note}" if note else shown)


def judged_rate(what: str, values: int, took: Took, limit: float) -> None:
    """A line with its limit in values per second of processor."""
    rate = values / took.busy
    if rate < limit:
        missed.append(what)
    shown = "met" if rate >= limit else "NOT MET"
    line(what, f"{rate / 1e6:,.1f}M/s", f"at least {limit / 1e6:,.1f}M/s: {shown}")


# -- drift from raw frames ----------------------------------------------------------------


def from_frames(before: pl.DataFrame, after: pl.DataFrame, at_s: np.ndarray) -> Drift:
    """From raw rows to verdicts: bins, counts by day, calibration, distances, p values, Holm."""
    reference = reference_of(columns_of(before, before.columns), at_s, block_s=DAY_S)
    window = count(reference.profile.bins, columns_of(after, after.columns))
    return drift_of(reference, window, Asked(length=WINDOW_DAYS), {})


def psi_alone(before: pl.DataFrame, after: pl.DataFrame) -> list[float | None]:
    """What Evidently's function does: bins, counts and PSI of each column, no judgement."""
    columns = columns_of(before, before.columns)
    bins = cut(columns)
    profile = count(bins, columns)
    return list(count(bins, columns_of(after, after.columns)).psi(profile).values())


def drift(rows: int, peer: bool) -> None:
    """20 number columns: ours, then Evidently's preset twice and its bare function."""
    folder = seeded.OUT
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"wide-{name}-{rows}.parquet" for name in ("reference", "current")]
    if not all(path.exists() for path in paths):
        seeded.wide(folder, rows)
    before, after = (pl.read_parquet(path).rechunk() for path in paths)
    at_s = np.arange(rows) * (REFERENCE_DAYS * DAY_S / rows)
    from_frames(before.head(2_000), after.head(2_000), at_s[:2_000] * rows / 2_000)
    print(f"Drift of {rows:,} x {before.width} numbers against as many, from raw frames")
    ours, found = best(lambda: from_frames(before, after, at_s))
    moved = f"{len(found.drifted)} of {before.width} drifted"
    judged("homeostat: bins, counts by day, calibration, verdicts", ours, 1.0, moved)
    mixed = np.random.default_rng(1).permutation(at_s)
    unsorted, _ = best(lambda: from_frames(before, after, mixed), 3)
    judged("homeostat: the same, rows in no order of time", unsorted, 1.0)
    alone, _ = best(lambda: psi_alone(before, after))
    line("homeostat: bins, counts and PSI alone", timed(alone.wall), "no calibration, no verdict")
    if not peer:
        return
    theirs = environments.ask("evidently", "timing", *paths)
    for key, what, mine in (
        ("preset_default", "Evidently: preset by default", ours),
        ("preset_psi", "Evidently: preset with PSI", ours),
        ("psi_function", "Evidently: its PSI function alone, once a column", alone),
    ):
        wall, used, out = min(theirs[key]["wall_s"]), min(theirs[key]["cpu_s"]), theirs[key]["out"]
        note = f"{wall / mine.wall:,.1f} times ours, by processor {used / mine.busy:,.1f}"
        if isinstance(out, dict):
            methods, drifted = ", ".join(out["methods"]), out["drifted"]["count"]
            note += f"; {methods}: {drifted:.0f} of {out['columns']} drifted"
        line(what, timed(wall), note)
    line("Evidently: frames taken in, not in the times above", timed(theirs["dataset_s"]))


# -- any window from profiles -------------------------------------------------------------


def window_from_profiles() -> None:
    """Seven daily profiles to verdicts, calibration made anew and kept from before."""
    random = np.random.default_rng(5)
    names = [f"f{n}" for n in range(20)]

    def drawn(rows: int) -> Any:
        return {name: ("number", random.normal(size=rows)) for name in names}

    reference_rows = REFERENCE_DAYS * 5_000
    at_s = np.arange(reference_rows) * (DAY_S / 5_000)
    reference = reference_of(drawn(reference_rows), at_s, block_s=DAY_S)
    days = [count(reference.profile.bins, drawn(5_000)) for _ in range(WINDOW_DAYS)]
    asked = Asked(length=WINDOW_DAYS)
    print(f"\nA window from {WINDOW_DAYS} daily profiles of {len(names)} features, 10 bins")
    anew, found = best(lambda: drift_of(reference, sum(days[1:], days[0]), asked, {}), 50)
    judged("sum, distances, calibration, p values, Holm", anew, 0.010)
    rows = rounded_rows(sum(day.rows for day in days))
    known = [
        calibrate(asked.distance, reference.of(n), rows=rows, length=asked.length, seed=asked.seed)
        for n in range(len(names))
    ]

    kept, adjusted = best(lambda: with_calibrations(reference, days, known), 50)
    assert np.allclose(adjusted, [one.adjusted for one in found.features])
    judged("the same, calibrations kept by the caller", kept, 0.010)


def with_calibrations(reference: Reference, days: list[Any], known: list[Any]) -> Any:
    """Adjusted p values of the sum of ``days``, with calibrations made before."""
    window = sum(days[1:], days[0])
    sides = zip(reference.profile.counts, window.counts, known, strict=True)
    return holm([made.p_value(DISTANCES["psi"](one, other)) for one, other, made in sides])


# -- comparisons and counting -------------------------------------------------------------


def delong(rows: int, peer: bool) -> None:
    """Two models' AUC on the same rows: the difference with its interval."""
    random = np.random.default_rng(6)
    x = random.normal(size=rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(-x))).astype(float)
    first, second = x + random.normal(size=rows), x + 1.1 * random.normal(size=rows)
    alone = np.arange(rows)

    def ours(part: slice = slice(None)) -> Any:
        return paired(
            "auc", truth[part], first[part], second[part], alone[part],
            confidence=0.95, resamples=1000, seed=1,
        )  # fmt: skip

    ours(slice(2_000))
    print(f"\nAUC of two models on the same {rows:,} rows")
    took, found = best(ours, 3)
    shown = f"{found.difference:.5f} ({found.low:.5f} to {found.high:.5f})"
    judged("DeLong's interval of the difference", took, 1.0, shown)
    yardstick, _ = best(lambda: [roc_auc_score(truth, one) for one in (first, second)], 3)
    note = f"two numbers without an interval; {yardstick.wall / took.wall:.2f} times ours"
    line("scikit-learn: roc_auc_score of both", timed(yardstick.wall), note)
    if peer:
        theirs = delong_peer.asked(truth, first, second)
        times = f"{theirs['wall_s'] / took.wall:.1f} times ours"
        by_cpu = f"by processor {theirs['cpu_s'] / took.busy:.1f}"
        what = f"MLstatkit {theirs['versions']['MLstatkit']}: Delong_test"
        line(what, timed(theirs["wall_s"]), f"{times}, {by_cpu}")


def counting(rows: int) -> None:
    """Values per second of one processor that a profile takes in."""
    random = np.random.default_rng(7)
    texts = np.array([f"place {n}" for n in range(40)])
    frame = pl.DataFrame(
        {f"f{n}": random.normal(size=rows) for n in range(10)}
        | {f"c{n}": texts[random.integers(0, 40, rows)] for n in range(3)}
    )
    numbers, categories = frame.columns[:10], frame.columns[10:]
    print(f"\nProfile update, {rows:,} rows, values per second of one processor")
    for what, names in (("numbers, 10 bins", numbers), ("categories, 40 of them", categories)):
        columns = columns_of(frame, names)
        bins = cut(columns)

        def counted(columns: Any = columns, bins: Any = bins) -> Any:
            return count(bins, columns)

        def read(names: Any = names, bins: Any = bins) -> Any:
            return count(bins, columns_of(frame, names))

        for note, work in (("", counted), (", columns taken from the frame", read)):
            judged_rate(what + note, rows * len(names), best(work, 3)[0], 5e6)


# -- many models --------------------------------------------------------------------------


def passes(models: int, rows: int) -> None:
    """Signals of all models, pass after pass; each pass is run once."""
    print(f"\nHourly signals of {models:,} models, 20 features, {rows} rows an hour, one process")
    share = models / 1000
    for settings, monitors, block_s in (
        ("default settings, a look at drift once a day", {}, DAY_S),
        ("a window of 1 h and a look each hour", HOURLY, 3_600.0),
    ):
        with tempfile.TemporaryDirectory() as place:
            all_models = fleet.fleet(Path(place), models, monitors, block_s=block_s, count=rows)
            first, first_parts = one_pass(all_models, 0)
            for hour in (1, 2):
                at = fleet.NOW + (hour - 1) * fleet.HOUR
                for number, model in enumerate(all_models):
                    model.log.append(fleet.rows(number, at, rows))
                later, parts = one_pass(all_models, hour)
            line(f"{settings}:", "", "")
            judged("  the first pass: everything", first, 5.0 * share, first_parts)
            what = "everything, references read before" if monitors else "between two looks"
            judged(f"  an hour later: {what}", later, 5.0 * share, parts)


def one_pass(models: list[fleet.Model], hour: int) -> tuple[Took, str]:
    """One pass over all models, ``hour`` hours after the first, and which parts took how long."""
    at = fleet.NOW + hour * fleet.HOUR
    fleet.Clocked.seconds.clear()
    took, found = clocked(lambda: [model.signals(at) for model in models])
    for number, each in enumerate(found):
        assert each["psi.f0"].value is not None, number
        assert each["drift_p.f0"].value is not None, number
    parts = fleet.Clocked.seconds.most_common()
    return took, ", ".join(f"{name} {timed(part)}" for name, part in parts if part > took.wall / 50)


def main() -> None:
    """Print all; exit with 1 when a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--no-peer", action="store_true", help="leave the peers out (3 minutes)")
    parser.add_argument("--no-fleet", action="store_true", help="leave the many models out")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} processors, load {load:.1f} before\n")
    drift(given.rows, peer=not given.no_peer)
    window_from_profiles()
    delong(given.rows, peer=not given.no_peer)
    counting(given.rows)
    if not given.no_fleet:
        passes(given.models, 200)
    print(f"\n{len(missed)} not met" + "".join(f"\n  {what}" for what in missed))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
