"""The peers, each in an environment of its own, with the same booster behind it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench_project import FEATURES, record


@dataclass(frozen=True)
class Peer:
    """How a peer is started and asked. ``answer`` takes the prediction from its body."""

    name: str
    command: list[str]
    folder: Path
    path: str
    body: str
    answer: Callable[[bytes], float]


def values(number: int = 0) -> list[float]:
    """A request's inputs, in order."""
    found = record(number)
    return [float(found[name]) for name in FEATURES]  # type: ignore[arg-type]


def environment(folder: Path, *packages: str) -> Path:
    """The interpreter of an environment with ``packages``, made when it is not there."""
    python = folder / "env" / "bin" / "python"
    if not python.exists():
        print(f"installing {', '.join(packages)}", flush=True)
        subprocess.run(["uv", "venv", "-q", str(folder / "env")], check=True)
        try:
            install = ["uv", "pip", "install", "-q", "--python", str(python), *packages]
            subprocess.run(install, check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder / "env")
            raise RuntimeError(error.stderr.decode()[-500:]) from error
    return python


def mlserver(folder: Path, booster: Path, port: int) -> Peer:
    """MLServer with its LightGBM runtime, in one process."""
    python = environment(folder, "mlserver", "mlserver-lightgbm")
    place = folder / "models"
    place.mkdir(exist_ok=True)
    shutil.copy(booster, place / "model.bst")
    settings = {"debug": False, "parallel_workers": 0, "host": "127.0.0.1", "http_port": port}
    settings |= {"grpc_port": port + 1, "metrics_port": port + 2}
    (place / "settings.json").write_text(json.dumps(settings))
    model = {"name": "bench", "implementation": "mlserver_lightgbm.LightGBMModel"}
    model["parameters"] = {"uri": "./model.bst", "version": "v1"}  # type: ignore[assignment]
    (place / "model-settings.json").write_text(json.dumps(model))
    tensor = {"name": "x", "shape": [1, 12], "datatype": "FP64", "data": values()}
    return Peer(
        "MLServer",
        [str(python.with_name("mlserver")), "start", "."],
        place,
        "/v2/models/bench/infer",
        json.dumps({"inputs": [tensor]}),
        lambda body: float(json.loads(body)["outputs"][0]["data"][0]),
    )


_BENTO = """
import bentoml
import lightgbm
import numpy as np


@bentoml.service(workers=1)
class Bench:
    def __init__(self) -> None:
        self.booster = lightgbm.Booster(model_file="model.txt")

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[float]:
        return self.booster.predict(np.array(rows), num_threads=1).tolist()
"""


def bentoml(folder: Path, booster: Path, port: int) -> Peer:
    """A BentoML service of one worker."""
    python = environment(folder, "bentoml", "lightgbm", "numpy")
    place = folder / "service"
    place.mkdir(exist_ok=True)
    shutil.copy(booster, place / "model.txt")
    (place / "service.py").write_text(_BENTO)
    command = [str(python.with_name("bentoml")), "serve", "service:Bench", "--port", str(port)]
    return Peer(
        "BentoML",
        command,
        place,
        "/predict",
        json.dumps({"rows": [values()]}),
        lambda body: float(json.loads(body)[0]),
    )


_SAVE = """
import lightgbm, mlflow.lightgbm
mlflow.lightgbm.save_model(lightgbm.Booster(model_file="model.txt"), "model")
"""


def mlflow(folder: Path, booster: Path, port: int) -> Peer:
    """MLflow's own scoring server, one worker."""
    python = environment(folder, "mlflow", "lightgbm")
    place = folder / "served"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copy(booster, place / "model.txt")
    subprocess.run([str(python), "-c", _SAVE], cwd=place, check=True, capture_output=True)
    command = [str(python.with_name("mlflow")), "models", "serve", "-m", "model"]
    command += ["--env-manager", "local", "--port", str(port), "--workers", "1"]
    return Peer(
        "MLflow",
        command,
        place,
        "/invocations",
        json.dumps({"inputs": [values()]}),
        lambda body: float(json.loads(body)["predictions"][0]),
    )


PEERS = {"mlserver": mlserver, "bentoml": bentoml, "mlflow": mlflow}
