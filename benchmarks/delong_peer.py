"""MLstatkit's DeLong test, asked in an environment of its own.

Run by that environment's Python: delong_peer.py ROWS.npy   (shape (3, rows): truth, two scores)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(1, str(HERE / "drift_peers"))

PLACE = HERE.parent / "build" / "peers" / "delong"


def asked(truth: Any, first: Any, second: Any) -> dict[str, Any]:
    """Both AUCs, the variance of their difference and the seconds that it took."""
    from peers import environment

    python = environment(PLACE, "MLstatkit==0.1.91")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, np.stack([truth, first, second]))
        command = [str(python), str(Path(__file__).resolve()), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    """Read, ask, print."""
    import quiet  # before the peer: it refuses the network

    # isort: split
    from MLstatkit import Delong_test

    rows = np.load(sys.argv[1])
    Delong_test(*rows[:, :500])
    began, busy = perf_counter(), process_time()
    *_, first, second, info = Delong_test(*rows)
    quiet.answer({
        "peer": "MLstatkit", "versions": quiet.versions("MLstatkit", "numpy", "scipy"),
        "auc": [first, second], "variance": info["var_diff"], "method": info["method"],
        "wall_s": perf_counter() - began, "cpu_s": process_time() - busy,
    })  # fmt: skip


if __name__ == "__main__":
    main()
