"""Serving one LightGBM model over HTTP: Homeostat beside MLServer, BentoML, MLflow and a bare echo.

Run: python benchmarks/serving.py [--peers mlserver,bentoml,mlflow] [--seconds 6] [--million]

One process each, validation, routing and the prediction log on for Homeostat. Peers are
installed into environments of their own under build/peers; one that cannot be had is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent))

from bench_project import FEATURES, HOMEOSTAT, MODEL, body, booster, record, trained
from load import Load, free_port, post, serving, wrk
from peers import PEERS, values

BUILD = Path(__file__).parents[1] / "build"
ROWS = 10_000
MANY = (16, 64, 128)
"""Connections at which two workers are compared with one: the kernel spreads few unevenly."""

_ECHO = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
"""


def measured(url: str, sent: str, connections: int, seconds: float) -> Load:
    """The median of three loads, by requests per second."""
    wrk(url, sent, connections, 1)
    loads = sorted((wrk(url, sent, connections, seconds) for _ in range(3)), key=lambda x: x.per_s)
    return loads[1]


def line(name: str, load: Load, echo: Load | None = None) -> None:
    """One line of the table."""
    beside = f"{load.per_s / echo.per_s:>8.2f}" if echo else f"{'':>8}"
    print(
        f"{name:<38}{load.per_s:>10,.0f}{load.p50_ms:>9.3f}{load.p99_ms:>9.3f}{beside}"
        + (f"   {load.failed} failed" if load.failed else ""),
        flush=True,
    )


def limit(what: str, found: float, wanted: float, *, at_most: bool = False) -> dict[str, object]:
    """A limit beside the figure."""
    met = found <= wanted if at_most else found >= wanted
    sign = "<=" if at_most else ">="
    print(f"  {what:<58}{found:>12,.2f}  {sign} {wanted:>10,.2f}  {'met' if met else 'NOT MET'}")
    return {"what": what, "found": found, "wanted": wanted, "met": met}


class Ours:
    """The gateway with some workers, asked and counted."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}/v1/models/{MODEL}/predict"
        command = [*HOMEOSTAT, "up", "--no-controller", "--project", str(folder)]
        command += ["--port", str(self.port), "--workers", str(workers)]
        self.running = serving(command, self.url, body(), folder)

    def __enter__(self) -> Ours:
        self.process = self.running.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.running.__exit__(*error)

    def worker_rss_mb(self) -> float:
        """Memory of the first worker."""
        import psutil

        worker = psutil.Process(self.process.pid).children()[0]
        return worker.memory_info().rss / 1e6


def logged(folder: Path) -> int:
    """Rows in the prediction log."""
    from homeostat.monitoring.prediction_log import PredictionLog

    log = PredictionLog(folder / ".homeostat" / "log" / "predictions")
    century = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    return log.read(*century, ["id"]).height


def predictions(port: int) -> int:
    """Predictions that the gateway says it has answered."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        text = page.read().decode()
    lines = [x for x in text.splitlines() if x.startswith("homeostat_predictions_total{")]
    return int(sum(float(x.split()[-1]) for x in lines))


def echo(seconds: float) -> dict[int, Load]:
    """A bare ASGI echo under uvicorn, with 1 and 16 connections."""
    folder = BUILD / "bench-echo"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "echo_app.py").write_text(_ECHO)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--no-access-log", "--log-level", "warning"]
    command += ["--lifespan", "off", "--port", str(port), "echo_app:app"]
    url = f"http://127.0.0.1:{port}/"
    with serving(command, url, body(), folder):
        return {n: measured(url, body(), n, seconds) for n in (1, 16)}


def large(port: int) -> dict[str, float]:
    """Rows per second of one request of 10,000 rows, as JSON and as binary tensors."""
    import numpy as np

    records = [record(n) for n in range(ROWS)]
    text = json.dumps({"rows": records}).encode()
    matrix = np.array([[one[name] for name in FEATURES] for one in records])
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "rows", "datatype": "FP64", "shape": [ROWS, len(FEATURES)],
                    "parameters": {"binary_data_size": matrix.nbytes},
                }
            ],
            "outputs": [{"name": "prediction", "parameters": {"binary_data": True}}],
        }
    ).encode()  # fmt: skip
    asked = {
        "JSON": (f"/v1/models/{MODEL}/predict", text, {}),
        "binary tensors": (
            f"/v2/models/{MODEL}/infer",
            head + matrix.tobytes(),
            {"Inference-Header-Content-Length": str(len(head))},
        ),
    }
    found = {}
    for name, (path, content, headers) in asked.items():
        spent = []
        for _ in range(9):
            began = perf_counter()
            post(f"http://127.0.0.1:{port}{path}", content, headers)
            spent.append(perf_counter() - began)
        found[name] = ROWS / statistics.median(spent)
        print(f"one request of {ROWS:,} rows, {name:<16}{found[name]:>12,.0f} rows/s", flush=True)
    return found


def compare(names: list[str], folder: Path, seconds: float, echoed: dict[int, Load]) -> None:
    """The peers, one after the other; their answers must be the model's."""
    target = booster(folder, BUILD / "peers" / "model.txt")
    import lightgbm
    import numpy as np

    truth = float(lightgbm.Booster(model_file=str(target)).predict(np.array([values()]))[0])
    for name in names:
        port = free_port()
        place = BUILD / "peers" / name
        place.mkdir(parents=True, exist_ok=True)
        try:
            peer = PEERS[name](place, target, port)
            url = f"http://127.0.0.1:{port}{peer.path}"
            with serving(peer.command, url, peer.body, peer.folder):
                answer = peer.answer(post(url, peer.body))
                assert abs(answer - truth) < 1e-5, f"{name} answers {answer}, not {truth}"
                for connections in (1, 16):
                    load = measured(url, peer.body, connections, seconds)
                    line(f"{peer.name}, {connections} connection(s)", load, echoed[connections])
        except (RuntimeError, OSError) as error:
            print(f"{name}: left out ({str(error).strip().splitlines()[-1:]})")


def million(ours: Ours) -> float:
    """Growth of a worker's memory over a million requests, in MB."""
    sizes, done = [], 0
    while done < 1_000_000:
        done += wrk(ours.url, body(), 16, 10).requests
        sizes.append(ours.worker_rss_mb())
        print(f"after {done:>9,} requests {sizes[-1]:8.1f} MB", flush=True)
    return sizes[-1] - sizes[0]


def main() -> None:
    """Measure, print, and keep the figures in build/serving.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=",".join(PEERS), help="peers to measure, or none")
    parser.add_argument("--seconds", type=float, default=6, help="length of each load")
    parser.add_argument("--million", action="store_true", help="memory over a million requests")
    given = parser.parse_args()
    folder = trained(BUILD / "bench-serving")
    print(f"{os.cpu_count()} processors; the load comes from the same machine\n")
    print(f"{'':<38}{'req/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'of echo':>8}")
    echoed = echo(given.seconds)
    for connections, load in echoed.items():
        line(f"bare ASGI echo, {connections} connection(s)", load)
    limits = []
    before = logged(folder)
    with Ours(folder, 1) as ours:
        alone = measured(ours.url, body(), 1, given.seconds)
        line("Homeostat, 1 connection", alone, echoed[1])
        busy = measured(ours.url, body(), 16, given.seconds)
        line("Homeostat, 16 connections", busy, echoed[16])
        one = {16: busy}
        for connections in MANY[1:]:
            one[connections] = measured(ours.url, body(), connections, given.seconds)
            line(f"Homeostat, {connections} connections", one[connections])
        rows = large(ours.port)
        grown = million(ours) if given.million else None
        answered = predictions(ours.port)
    with Ours(folder, 2) as ours:
        two = {}
        for connections in MANY:
            two[connections] = measured(ours.url, body(), connections, given.seconds)
            line(f"Homeostat, 2 workers, {connections} connections", two[connections])
        answered += predictions(ours.port)
    kept = logged(folder) - before
    names = [name for name in given.peers.split(",") if name in PEERS]
    compare(names, folder, given.seconds, echoed)
    print("\nlimits")
    limits.append(limit("requests/s at 16 connections, one worker", busy.per_s, 12_000))
    limits.append(limit("p50 at one connection, ms", alone.p50_ms, 0.2, at_most=True))
    limits.append(limit("p99 at one connection, ms", alone.p99_ms, 1.0, at_most=True))
    for connections in MANY:
        ratio = two[connections].per_s / one[connections].per_s
        limits.append(limit(f"two workers to one, {connections} connections", ratio, 1.7))
    limits.append(limit("rows/s in one request, best form", max(rows.values()), 200_000))
    if grown is not None:
        limits.append(limit("memory over a million requests, MB", grown, 20, at_most=True))
    limits.append(
        limit("predictions answered and not in the log", answered - kept, 0, at_most=True)
    )
    (BUILD / "serving.json").write_text(json.dumps({"limits": limits}, indent=1))


if __name__ == "__main__":
    main()
