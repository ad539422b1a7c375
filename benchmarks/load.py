"""Servers started and stopped, and load from wrk (https://github.com/wg/wrk)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk saw. Latencies in milliseconds."""

    requests: int
    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


def wrk(url: str, body: str, connections: int, seconds: float) -> Load:
    """Load ``url`` with POSTs of ``body``."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT % json.dumps(body))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", script.name, url]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    numbers = next(line for line in out.splitlines() if line.startswith("RESULT")).split()[1:]
    requests, duration_us, p50_us, p99_us, failed = map(int, numbers)
    return Load(requests, requests / duration_us * 1e6, p50_us / 1000, p99_us / 1000, failed)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def post(url: str, body: str | bytes, headers: dict[str, str] | None = None) -> bytes:
    """One POST; the body of its answer."""
    content = body.encode() if isinstance(body, str) else body
    asked = urllib.request.Request(
        url, content, {"Content-Type": "application/json", **(headers or {})}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read()


@contextmanager
def serving(
    command: list[str], url: str, body: str, cwd: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once ``url`` answers ``body``; stopped with its children afterwards."""
    log = tempfile.TemporaryFile()  # noqa: SIM115  # closed at the end
    process = subprocess.Popen(
        command, cwd=cwd, stdout=log, stderr=log, start_new_session=True,
        env={**os.environ, **(env or {})},
    )  # fmt: skip
    try:
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                post(url, body)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        else:
            process.send_signal(signal.SIGTERM)
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(log.read().decode(errors="replace")[-2000:])
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.close()
