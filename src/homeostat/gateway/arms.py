"""The versions in memory: loaded, tested, and swapped whole."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from homeostat.domain.codec import canonical, from_builtins
from homeostat.domain.rollout import Arm, Routing
from homeostat.errors import HomeostatError, ModelLoadError, NotReadyError, UnknownModelError
from homeostat.gateway.checks import Checks
from homeostat.gateway.router import Choice
from homeostat.pipeline.golden import read_golden
from homeostat.pipeline.scorer import Scorer, load_scorer
from homeostat.ports.blobs import Blobs
from homeostat.spec.serving import Serving

ROUTING_FILE = "routing.json"
SLOW_MS = 1.0
"""A version that takes longer for one row answers in a thread, so that others need not wait."""

Role = Literal["champion", "canary", "shadow", "dark"]


@dataclass(frozen=True, slots=True)
class LoadedArm:
    """A version ready to answer. ``slow``: one row takes longer than :data:`SLOW_MS`."""

    arm: Arm
    role: Role
    scorer: Scorer
    checks: Checks
    slow: bool

    @property
    def version(self) -> int:
        """Number of the version."""
        return self.arm.version

    @property
    def example(self) -> dict[str, Any]:
        """The features of one row that the version was tested with."""
        return read_golden(self.scorer.package)[0].row(0, named=True)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A routing with all that it needs in memory; never changed, only replaced.

    ``beside`` are the arms that also score what another one answered: shadows, and the other
    arms of a canary, so that two versions can always be compared on the same rows.
    """

    routing: Routing
    arms: dict[int, LoadedArm]
    champion: LoadedArm | None
    choice: Choice | None
    beside: tuple[LoadedArm, ...]


class Arms:
    """Holds what is loaded now. Safe to use from several threads: it is swapped as one value.

    ``folder`` keeps the last good routing, so that a gateway that starts without its
    controller serves what it served before.
    """

    def __init__(
        self,
        model: str,
        blobs: Blobs,
        folder: Path,
        serving: Serving,
        engine: Literal["native", "auto"] = "native",
    ) -> None:
        self._model = model
        self._blobs = blobs
        self._path = folder / ROUTING_FILE
        self._serving = serving
        self._engine = engine
        self._swap = threading.Lock()
        self._swapped: list[Callable[[Loaded], None]] = []
        self.loaded = Loaded(Routing(), {}, None, None, ())
        """What serves now. Read it once per request."""

    # -- changing -----------------------------------------------------------------------

    def prepare(self, routing: Routing) -> Loaded:
        """Load and test what ``routing`` needs, and change nothing yet. Raises ModelLoadError."""
        known = self.loaded.arms
        arms: dict[int, LoadedArm] = {}
        for arm in routing.arms:
            held = known.get(arm.version)
            role = _role(routing, arm)
            if held is not None and held.scorer.digest == arm.digest:
                arms[arm.version] = replace(held, arm=arm, role=role)
            else:
                arms[arm.version] = self._load(arm, role)
        return _whole(routing, arms)

    def commit(self, loaded: Loaded) -> None:
        """Serve ``loaded`` from the next request on, and remember it on disk."""
        with self._swap:
            self._remember(loaded.routing)
            self.loaded = loaded
        for told in self._swapped:
            told(loaded)

    def route(self, routing: Routing) -> None:
        """Load what is missing, test it, then swap. ModelLoadError leaves the old routing."""
        self.commit(self.prepare(routing))

    def restore(self) -> bool:
        """Serve the last good routing from disk; False when there is none.

        Arms beside the champion that can no longer be loaded are left out, with their traffic.
        Raises ModelLoadError when the champion cannot be loaded.
        """
        if not self._path.is_file():
            return False
        routing = from_builtins(json.loads(self._path.read_bytes()), Routing)
        try:
            self.route(routing)
        except ModelLoadError:
            self.route(_champion_alone(routing))
        return True

    def when_swapped(self, told: Callable[[Loaded], None]) -> None:
        """Call ``told`` after each change."""
        self._swapped.append(told)

    # -- asking -------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether a version answers."""
        return self.loaded.champion is not None

    def observe(self) -> Routing:
        """What is routed now, each arm with the digest of the bytes that are in memory."""
        loaded = self.loaded
        arms = tuple(
            replace(arm, digest=loaded.arms[arm.version].scorer.digest)
            for arm in loaded.routing.arms
        )
        return replace(loaded.routing, arms=arms)

    def champion(self) -> LoadedArm:
        """The arm that answers most; NotReadyError before there is one."""
        champion = self.loaded.champion
        if champion is None:
            raise not_ready(self._model)
        return champion

    def named(self, version: int | None) -> LoadedArm:
        """The arm of a version, the champion for None. NotReadyError, UnknownModelError."""
        if version is None:
            return self.champion()
        arm = self.loaded.arms.get(version)
        if arm is None:
            held = ", ".join(str(number) for number in sorted(self.loaded.arms)) or "none"
            raise UnknownModelError(
                f"version {version} is not loaded here",
                subject=f"{self._model}, version {version}",
                next_step=f"loaded are: {held}; `homeostat deploy v{version}` loads it",
            )
        return arm

    # -- loading ------------------------------------------------------------------------

    def _load(self, arm: Arm, role: Role) -> LoadedArm:
        try:
            package = self._blobs.get_tree(arm.package)
            scorer = load_scorer(package, trusted_digest=arm.digest, engine=self._engine)
            scorer.self_test()
            slow = _row_ms(scorer) > SLOW_MS
        except ModelLoadError:
            raise
        except HomeostatError as error:
            raise ModelLoadError(
                f"version {arm.version} cannot be loaded: {error}",
                subject=f"version {arm.version}",
                next_step=error.next_step,
            ) from error
        return LoadedArm(arm, role, scorer, Checks(scorer.schema, self._serving), slow)

    def _remember(self, routing: Routing) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        unfinished.write_bytes(canonical(routing))
        unfinished.replace(self._path)


def not_ready(model: str) -> NotReadyError:
    """What to say while no version serves."""
    return NotReadyError(
        "no version serves yet",
        subject=model,
        next_step="wait for the first promotion: `homeostat status` tells how far it is",
    )


def _champion_alone(routing: Routing) -> Routing:
    return replace(routing, arms=(replace(routing.arms[0], share=1.0),), explore=0.0)


def _role(routing: Routing, arm: Arm) -> Role:
    answering = routing.answering
    if answering and answering[0].version == arm.version:
        return "champion"
    if arm.shadow:
        return "shadow"
    return "canary" if arm.share > 0 else "dark"


def _whole(routing: Routing, arms: dict[int, LoadedArm]) -> Loaded:
    answering = routing.answering
    return Loaded(
        routing=routing,
        arms=arms,
        champion=arms[answering[0].version] if answering else None,
        choice=Choice(routing) if answering else None,
        beside=tuple(arm for arm in arms.values() if arm.role != "dark"),
    )


def _row_ms(scorer: Scorer) -> float:
    """Median time of one row: decides whether it may be answered without a thread."""
    import numpy as np

    if scorer.encode_row is None:
        return float("inf")
    rows, _ = read_golden(scorer.package)
    spent = []
    for values in scorer.schema.conform(rows.head(7)).rows():
        began = perf_counter()
        scorer.score_matrix(np.array([scorer.encode_row(values)]))
        spent.append((perf_counter() - began) * 1000)
    return sorted(spent)[len(spent) // 2] if spent else 0.0
