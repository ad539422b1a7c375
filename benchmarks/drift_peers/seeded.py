"""The seeded files that the peers are asked about; numpy and polars.

Run: python benchmarks/drift_peers/seeded.py [--out build/drift_peers] [--rows 1000000]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl

OUT = Path(__file__).resolve().parents[2] / "build" / "drift_peers"
COLUMNS = 20


def scored(out: Path, rows: int = 20_000) -> list[Path]:
    """Reference and current of several kinds of number column, some moved, some not."""
    drawn = np.random.default_rng(11)
    paths = []
    for name, moved in (("reference", 0.0), ("current", 1.0)):
        size = rows if name == "reference" else rows * 3 // 4
        holes = drawn.normal(size=size)
        holes[drawn.random(size) < 0.05] = np.nan
        holes[:2] = np.inf
        columns = {
            "still": drawn.normal(size=size),
            "shifted": drawn.normal(0.3 * moved, 1, size),
            "wider": drawn.normal(0, 1 + 0.5 * moved, size),
            "tailed": drawn.lognormal(0.2 * moved, 1, size),
            "apart": drawn.uniform(2 * moved, 1 + 2 * moved, size),
            "counts": drawn.poisson(40 + 2 * moved, size),
            "few": drawn.integers(0, 5 + int(moved), size),
            "holes": holes + 0.1 * moved,
            "constant": np.full(size, 3.0),
        }
        paths.append(out / f"scored-{name}.parquet")
        pl.DataFrame(columns).write_parquet(paths[-1])
    return paths


def wide(out: Path, rows: int = 1_000_000) -> list[Path]:
    """Reference and current of ``rows`` rows and 20 normal columns; every fourth has moved."""
    drawn = np.random.default_rng(12)
    paths = []
    for name, moved in (("reference", 0.0), ("current", 0.3)):
        moves = [moved if number % 4 == 0 else 0.0 for number in range(COLUMNS)]
        columns = {f"f{n}": drawn.normal(move, 1, rows) for n, move in enumerate(moves)}
        paths.append(out / f"wide-{name}-{rows}.parquet")
        pl.DataFrame(columns).write_parquet(paths[-1])
    return paths


def judged(out: Path, rows: int = 50_000) -> list[Path]:
    """A binary reference with labels, an analysis without, and the analysis' labels.

    The model's scores are too sure of themselves (so calibration has work to do), and the inputs
    move in the analysis while what they mean does not: CBPE's own assumption holds.
    """
    drawn = np.random.default_rng(13)
    paths = []
    for name, moved in (("reference", 0.0), ("analysis", -0.8)):
        x = drawn.normal(moved, 1.2, rows)
        labels = (drawn.random(rows) < 1 / (1 + np.exp(-x))).astype(int)
        proba = 1 / (1 + np.exp(-1.8 * x))
        columns = {"y_pred_proba": proba, "y_pred": (proba >= 0.5).astype(int)}
        columns |= {"y_true": labels} if name == "reference" else {}
        paths.append(out / f"judged-{name}.parquet")
        pl.DataFrame(columns).write_parquet(paths[-1])
    paths.append(out / "judged-labels.npy")
    np.save(paths[-1], labels)
    return paths


def null_streams(out: Path, streams: int = 500, length: int = 10_000) -> list[Path]:
    """Streams without a change: errors at 5 % and at 20 %, and standard normal values."""
    drawn = np.random.default_rng(14)
    made = {
        "errors-05": (drawn.random((streams, length)) < 0.05).astype(np.int8),
        "errors-20": (drawn.random((streams, length)) < 0.20).astype(np.int8),
        "normal": drawn.normal(size=(streams, length)),
    }
    paths = []
    for name, values in made.items():
        paths.append(out / f"null-{name}.npy")
        np.save(paths[-1], values)
    return paths


def main() -> None:
    """Write all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    made = [*scored(given.out), *wide(given.out, given.rows), *judged(given.out)]
    for path in [*made, *null_streams(given.out)]:
        print(path)


if __name__ == "__main__":
    main()
