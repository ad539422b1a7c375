"""What a run depends on besides its inputs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from homeostat.pipeline import environment
from homeostat.pipeline.environment import code_commit, environment_digest, installed


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "own.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_the_commit_is_the_one_that_is_checked_out(repository: Path) -> None:
    assert code_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_a_changed_project_says_so(repository: Path) -> None:
    (repository / "own.py").write_text("x = 2\n")
    assert code_commit(repository) == git(repository, "rev-parse", "HEAD") + "+changes"


def test_state_beside_the_project_is_no_change(repository: Path) -> None:
    (repository / ".gitignore").write_text(".homeostat/\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "second")
    (repository / ".homeostat").mkdir()
    (repository / ".homeostat" / "state.db").touch()
    assert "+" not in code_commit(repository)


def test_without_a_repository_or_a_commit_there_is_none(tmp_path: Path) -> None:
    assert code_commit(tmp_path / "nowhere") == ""
    assert code_commit(tmp_path) == ""
    git(tmp_path, "init", "-q")
    assert code_commit(tmp_path) == ""


@pytest.mark.parametrize("error", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10)])
def test_without_git_there_is_none(
    repository: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(environment.subprocess, "run", fails)  # type: ignore[attr-defined]
    assert code_commit(repository) == ""


def test_installed_distributions_are_there_by_their_names() -> None:
    assert {"polars", "scikit-learn", "lightgbm"} <= set(installed())


def test_another_version_of_anything_is_another_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = environment_digest()
    assert environment_digest() == before
    changed = installed() | {"polars": "0.0.1"}
    monkeypatch.setattr(environment, "installed", lambda: changed)
    assert environment_digest.__wrapped__() != before
