"""What Evidently, River and NannyML do on the same kinds of data, in environments of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from truth.case import ALARM, MISSED, Measured, share_of
from truth.detect import CHANGE, HORIZON, errors, values
from truth.drift import DRAWS, FEATURES, MOVED, WEEK, World
from truth.estimate import rows_of

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "build" / "error_rates"
sys.path.insert(0, str(HERE.parent / "drift_peers"))

import environments  # type: ignore[import-not-found]  # noqa: E402

TIMEOUT_S = 1200


def evidently(seed: int, part: float) -> list[Measured]:
    """Its default test of a column: columns one by one, and any of 20 in a window."""
    random = np.random.default_rng([seed, 1])
    columns, windows = max(20, round(400 * part)), max(2, round(40 * part))
    asked: dict[str, np.ndarray] = {}
    for name, (of, before, after) in SINGLE.items():
        for shifted in (False, True):
            key = f"{name}|{int(shifted)}"
            asked[f"{key}.before"] = _matrix(random, of, before, columns)
            asked[f"{key}.after"] = _matrix(random, of, after, columns) + MOVED * shifted
    for name, world in WORLDS.items():
        sides = [_week(random, world) for _ in range(windows)]
        asked[f"{name}|0.before"] = np.hstack([one for one, _ in sides])
        asked[f"{name}|0.after"] = np.hstack([other for _, other in sides])
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "evidently.npz"
    np.savez(path, **asked)  # type: ignore[arg-type]
    told = _told(environments.evidently(), HERE / "peer_evidently.py", path)
    label, found = f"Evidently {told['versions']['evidently']}", []
    for name in SINGLE:
        null, moved = (told["columns"][f"{name}|{n}"] for n in (0, 1))
        p_value = "p_value" in null["methods"][0]
        found.append(
            Measured(f"default: {'; '.join(null['methods'])}", f"a column, {name}", label,
                     ALARM, 0.05 if p_value else None, _share(null["drifted"]),
                     f"+ {MOVED}", _share(moved["drifted"]))
        )  # fmt: skip
    for name in WORLDS:
        null = told["columns"][f"{name}|0"]
        drifted = np.array(null["drifted"]).reshape(windows, FEATURES)
        method = f"default: {'; '.join(null['methods'])}"
        for what, flags in (("any of 20 columns", drifted.any(axis=1)),
                            ("half of 20 columns", drifted.mean(axis=1) >= 0.5)):  # fmt: skip
            found.append(Measured(f"{method}; {what}", f"a look, {name}", label, ALARM,
                                  None, _share(flags), "", None))  # fmt: skip
    return found


SINGLE = {
    "20 and 20 rows, normal": ("normal", 20, 20),
    "1,000 and 200 rows, normal": ("normal", 1000, 200),
    "1,000 and 200 rows, t(3)": ("t(3)", 1000, 200),
    "1,000 and 200 rows, neighbours correlated by 0.3":
        ("neighbours correlated by 0.3", 1000, 200),
    "10,000 and 20 rows, normal": ("normal", 10_000, 20),
    "10,000 and 200 rows, normal": ("normal", 10_000, 200),
    "10,000 and 10,000 rows, t(3)": ("t(3)", 10_000, 10_000),
}  # fmt: skip
WORLDS = {
    "60 days of 200 rows": World(60, 200),
    "60 days of 3 rows": World(60, 3),
    "60 days of 200 rows, AR 0.6 days": World(60, 200, carried=0.6),
}


def _matrix(random: np.random.Generator, of: str, rows: int, columns: int) -> np.ndarray:
    return np.column_stack([DRAWS[of](random, rows) for _ in range(columns)])


def _week(random: np.random.Generator, world: World) -> tuple[np.ndarray, np.ndarray]:
    """All columns of the reference and of a week after it."""
    first = world.reference + 2
    columns = world.columns(random, first + WEEK, first + WEEK)
    matrix = np.column_stack([held for _, held in columns.values()])
    return matrix[: first * world.rows], matrix[first * world.rows :]


def river(seed: int, part: float) -> list[Measured]:
    """Its detectors with their default settings, on streams of 10,000 values."""
    streams, kswin = max(10, round(300 * part)), max(1, round(20 * part))
    found = []
    for name, shift, draw in (
        (f"{HORIZON:,} errors of rate 0.1", "error rate x 2 after 2,000", errors(0.1)),
        (f"{HORIZON:,} errors of rate 0.01", "error rate x 2 after 2,000", errors(0.01)),
        (f"{HORIZON:,} values, normal", "mean + 0.5 sd after 2,000", values("normal")),
        (f"{HORIZON:,} values, t(3)", "mean + 0.5 sd after 2,000", values("t(3)")),
    ):
        told = [_asked_of_river(seed, draw, shifted, streams, kswin) for shifted in (False, True)]
        label = f"River {told[0]['versions']['river']}"
        for detector, quiet in told[0]["detectors"].items():
            if quiet is None:
                continue
            moved = told[1]["detectors"][detector]
            after = [first is not None and first > CHANGE for first in moved["first"]]
            alarms = [first is not None for first in quiet["first"]]
            found.append(Measured(detector, name, label, ALARM, None, _share(alarms),
                                  shift, _share(after)))  # fmt: skip
    return found


def _asked_of_river(
    seed: int, draw: Callable[[np.random.Generator, bool], np.ndarray], shifted: bool, streams: int,
    kswin: int,
) -> dict[str, Any]:  # fmt: skip
    count = streams // 2 if shifted else streams
    random = np.random.default_rng([seed, 2, int(shifted)])
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "river.npy"
    np.save(path, np.array([draw(random, shifted) for _ in range(count)]))
    script = HERE.parent / "drift_peers" / "river_alarms.py"
    return _told(environments.river(), script, "alarms", path, "--kswin", str(kswin))


def nannyml(seed: int, part: float) -> list[Measured]:
    """CBPE's bounds (three sampling errors to each side) and what labels show, chunk by chunk."""
    random = np.random.default_rng([seed, 3])
    chunks, rows, reference = max(10, round(400 * part)), 500, 10_000
    OUT.mkdir(parents=True, exist_ok=True)
    paths = [OUT / f"nannyml-{name}" for name in ("reference.parquet", "analysis.parquet", "y.npy")]
    for path, size in zip(paths, (reference, chunks * rows), strict=False):
        score, p = rows_of(random, size, 0.5)
        truth = (random.random(size) < p).astype(int)
        columns = {"y_pred_proba": score, "y_pred": (score >= 0.5).astype(int)}
        known = {"y_true": truth} if path == paths[0] else {}
        pl.DataFrame(columns | known).write_parquet(path)
    np.save(paths[2], truth)
    script = HERE.parent / "drift_peers" / "nannyml_cbpe.py"
    told = _told(environments.nannyml(), script, "cbpe", *paths, "--chunks", str(chunks))
    label, found = f"NannyML {told['versions']['nannyml']}", []
    for metric in ("accuracy", "f1", "roc_auc"):
        parts = [part[metric] for part in told["chunks"]]
        misses = [not part["low"] <= part["realised"] <= part["high"] for part in parts]
        found.append(
            Measured(f"CBPE, {metric}, 3 sampling errors", "500 rows, calibrated on 10,000 others",
                     label, MISSED, 0.0027, _share(misses), "", None)
        )  # fmt: skip
    return found


PEERS: dict[str, Callable[[int, float], list[Measured]]] = {
    "Evidently": evidently,
    "River": river,
    "NannyML": nannyml,
}


def asked(name: str, seed: int, part: float) -> list[Measured]:
    """The rows of a peer, or one that says why there are none."""
    try:
        return PEERS[name](seed, part)
    except (RuntimeError, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        why = f"could not be had: {str(error).strip().splitlines()[-1:]}"[:120]
        return [Measured("all", "", name, "", None, None, "", None, note=why)]


def _share(flags: Any) -> Any:
    return share_of([float(flag) for flag in flags])


def _told(python: Path, script: Path, *arguments: str | Path) -> dict[str, Any]:
    """What a peer's script prints."""
    command = [str(python), str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    return json.loads(done.stdout)  # type: ignore[no-any-return]
