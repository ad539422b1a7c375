from __future__ import annotations

from pathlib import Path

from homeostat.adapters.local.inline_runner import InlineRunner
from homeostat.ports.runner import Runner
from homeostat.testing.runner_conformance import RunnerConformance, behave


class TestInlineRunner(RunnerConformance):
    def make(self, scratch: Path) -> Runner:
        return InlineRunner(behave)

    def reopen(self, runner: Runner) -> Runner:
        return InlineRunner(behave)
