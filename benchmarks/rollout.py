"""A canary under load, a rollback, and a worker killed: what must hold, checked answer by answer.

Run: python benchmarks/rollout.py [--rate 5000]

Two workers serve; a client in processes of its own sends at a steady rate while weights go
1, 5, 25, 100 % and back. Every answer must come, from a version that the weights in force allow
for its id; then one worker is killed with SIGKILL, and every acknowledged id must be in the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_project import HOMEOSTAT, MODEL, body, record, trained
from load import free_port, serving

from homeostat.domain.rollout import Arm, Routing

BUILD = Path(__file__).parents[1] / "build"
SHARES = (0.01, 0.05, 0.25, 1.0)
HOLD_S = 2.0
CLIENTS = 2
CONNECTIONS = 8
ROLLBACK_LIMIT_S = 1.0


@dataclass
class Answer:
    """One request: when it was sent and answered, its id, what came."""

    sent: float
    got: float
    event: str
    version: int
    prediction: str


async def _connection(
    port: int, rate: float, until: float, name: str, found: list[Answer], failed: list[str]
) -> None:
    """Requests at a steady rate over one connection, which is opened again when it breaks."""
    head = f"POST /v1/models/{MODEL}/predict HTTP/1.1\r\nHost: x\r\nContent-Length: "
    reader = writer = None
    number, due = 0, time.time()
    while time.time() < until:
        await asyncio.sleep(max(0.0, due - time.time()))
        due += 1 / rate
        number += 1
        event = f"{name}-{number}"
        sent_body = json.dumps({**record(number), "id": event}).encode()
        sent = time.time()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{head}{len(sent_body)}\r\n\r\n".encode() + sent_body)
            answer = await reader.readuntil(b"\r\n\r\n")
            size = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            content = await reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError) as error:
            failed.append(f"{event}: {type(error).__name__}")
            if writer is not None:
                writer.close()
            reader = writer = None
            await asyncio.sleep(0.05)
            continue
        if not answer.startswith(b"HTTP/1.1 200"):
            failed.append(f"{event}: {answer[:40]!r} {content[:200]!r}")
            continue
        told = json.loads(content)
        found.append(Answer(sent, time.time(), event, told["version"], told["id"]))


def client(port: int, rate: float, until: float, name: str, results: object) -> None:
    """One client process."""
    found: list[Answer] = []
    failed: list[str] = []

    async def go() -> None:
        each = rate / CONNECTIONS
        async with asyncio.TaskGroup() as group:
            for n in range(CONNECTIONS):
                group.create_task(_connection(port, each, until, f"{name}-{n}", found, failed))

    import uvloop

    uvloop.run(go())
    results.put((found, failed))  # type: ignore[attr-defined]


class Clients:
    """The client processes, for some seconds."""

    def __init__(self, port: int, rate: float, seconds: float, name: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._results = spawn.Queue()
        until = time.time() + 2 + seconds
        self._processes = [
            spawn.Process(
                target=client, args=(port, rate / CLIENTS, until, f"{name}{n}", self._results)
            )
            for n in range(CLIENTS)
        ]
        self._seconds = seconds
        for process in self._processes:
            process.start()
        time.sleep(2)

    def results(self) -> tuple[list[Answer], list[str]]:
        """All answers in order of sending, and what failed."""
        answers: list[Answer] = []
        failures: list[str] = []
        for _ in self._processes:
            found, failed = self._results.get(timeout=self._seconds + 60)
            answers += found
            failures += failed
        for process in self._processes:
            process.join()
        return sorted(answers, key=lambda a: a.sent), failures


def routings(folder: Path) -> tuple[Arm, Arm]:
    """Arms of the two versions."""
    from homeostat.wiring import assemble

    recorded = assemble(folder, workers=False).engine.refresh()
    first, second = (
        Arm(v.number, v.digest, v.candidate.package_digest, 1.0) for v in recorded.versions[:2]
    )
    return first, second


def _arms(first: Arm, second: Arm, share: float) -> tuple[Arm, ...]:
    """The challenger with ``share`` of the traffic."""
    if share == 1.0:
        return (second,)
    return replace(first, share=round(1 - share, 3)), replace(second, share=share)


def check(condition: bool, what: str, problems: list[str]) -> None:
    """Say whether ``what`` holds."""
    print(f"  {'ok ' if condition else 'NOT'}  {what}", flush=True)
    if not condition:
        problems.append(what)


def canary(gateway: object, folder: Path, port: int, rate: float, problems: list[str]) -> None:
    """Weights up and back under load."""
    from homeostat.gateway.router import Choice

    first, second = routings(folder)
    steps = [Routing((first,))]
    steps += [Routing(_arms(first, second, share)) for share in SHARES]
    steps.append(Routing((first,)))
    gateway.route(steps[0])
    changes = [(0.0, 0.0)]
    clients = Clients(port, rate, HOLD_S * (len(steps) + 1), "canary")
    time.sleep(HOLD_S)
    for routing in steps[1:]:
        began = time.time()
        gateway.route(routing)
        assert set(gateway.workers().values()) == {routing}, "each worker says so itself"
        changes.append((began, time.time()))
        time.sleep(HOLD_S)
    answers, failures = clients.results()
    spent = answers[-1].sent - answers[0].sent
    print(f"\n{len(answers):,} answers in {spent:.1f} s: {len(answers) / spent:,.0f} requests/s")
    choices = [Choice(routing) for routing in steps]
    ends = [began_end[1] for began_end in changes[1:]] + [float("inf")]
    wrong = 0
    for answer in answers:
        possible = {
            choices[n].choose(answer.event, 0.5, 1.0, 0.5).arm.version
            for n, (began, _) in enumerate(changes)
            if began <= answer.got and answer.sent <= ends[n]
        }
        wrong += answer.version not in possible
    for n, ((began, done), routing) in enumerate(zip(changes, steps, strict=True)):
        inside = [a for a in answers if a.sent > done and a.got < [*changes, (9e9, 0)][n + 1][0]]
        share = sum(a.version == second.version for a in inside) / max(1, len(inside))
        asked = sum(arm.share for arm in routing.arms if arm.version == second.version)
        print(
            f"  v2 {asked:>6.1%}: {len(inside):>7,} answers, {share:>7.2%} from v2, "
            f"in force in every worker after {(done - began) * 1000:6.1f} ms"
        )
    check(not failures, f"no request failed ({failures[:2]})", problems)
    check(not wrong, f"every version fits the weights in force ({wrong} do not)", problems)
    rolled_s = changes[-1][1] - changes[-1][0]
    check(
        rolled_s <= ROLLBACK_LIMIT_S,
        f"rollback: every worker answers with the old digest after {rolled_s * 1000:.0f} ms "
        f"(limit {ROLLBACK_LIMIT_S * 1000:.0f})",
        problems,
    )
    check(len(answers) / spent >= 0.9 * rate, "the load was what was asked for", problems)


def killed(gateway: object, folder: Path, port: int, rate: float, problems: list[str]) -> None:
    """SIGKILL for one worker under load: what it acknowledged is in the log."""
    from homeostat.monitoring.prediction_log import PredictionLog

    clients = Clients(port, rate, 8, "killed")
    time.sleep(3)
    victim = int(next(iter(gateway.workers())).removeprefix("worker-"))
    os.kill(victim, signal.SIGKILL)
    answers, failures = clients.results()
    log = PredictionLog(folder / ".homeostat" / "log" / "predictions")
    century = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    kept = set(log.read(*century, ["id"])["id"].to_list())
    lost = [a for a in answers if a.prediction not in kept]
    print(f"\nworker {victim} killed: {len(answers):,} answers, {len(failures)} connections broke")
    check(not lost, f"every acknowledged id is in the log ({len(lost)} are not)", problems)
    after = [a for a in answers if a.sent > answers[-1].sent - 1]
    check(bool(after), "the gateway went on answering", problems)


def main() -> int:
    """Run both; 1 when something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5000, help="requests per second")
    rate = parser.parse_args().rate
    from homeostat.wiring import gateway_in

    folder = trained(BUILD / "bench-rollout", versions=2)
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1/models/{MODEL}/predict"
    command = [*HOMEOSTAT, "up", "--no-controller", "--project", str(folder)]
    command += ["--port", str(port), "--workers", "2"]
    problems: list[str] = []
    with serving(command, url, body(), folder):
        gateway = gateway_in(folder / ".homeostat")
        canary(gateway, folder, port, rate, problems)
        killed(gateway, folder, port, rate, problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
