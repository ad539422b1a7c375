"""The monitoring peers, each in an environment of its own, and how one of their scripts is asked.

Run: python benchmarks/drift_peers/environments.py   (makes all three, prints the versions)

The scripts beside this file are run by the Python of the peer they are named after. Each reads
files whose paths it is given and prints one JSON object; none of them reaches a network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers import environment

HERE = Path(__file__).resolve().parent
PLACE = HERE.parents[1] / "build" / "peers"


def evidently(place: Path = PLACE) -> Path:
    """Evidently. 0.7.23 imports a name that pandas 3 no longer has."""
    return environment(place / "evidently", "evidently==0.7.23", "pandas<3", "pyarrow")


def nannyml(place: Path = PLACE) -> Path:
    """NannyML. 0.13.1 imports statsmodels without asking for it; pandas 2 as for Evidently."""
    packages = ["nannyml==0.13.1", "statsmodels", "pandas<3", "pyarrow"]
    return environment(place / "nannyml", *packages)


def river(place: Path = PLACE) -> Path:
    """River."""
    return environment(place / "river", "river==0.26.1", "numpy", "scipy")


PEERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "evidently": (evidently, "evidently_drift.py"),
    "nannyml": (nannyml, "nannyml_cbpe.py"),
    "river": (river, "river_alarms.py"),
}


def ask(name: str, *arguments: str | Path, timeout_s: float = 600) -> dict[str, Any]:
    """What the script of peer ``name`` prints for ``arguments``."""
    made, script = PEERS[name]
    command = [str(made(PLACE)), str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-1000:]}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    """Make the environments that are named, or all."""
    for name in sys.argv[1:] or PEERS:
        print(json.dumps(ask(name, "versions")))


if __name__ == "__main__":
    main()
