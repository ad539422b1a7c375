"""What a run depends on besides its inputs: installed distributions, Python, the commit."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path

from homeostat.domain.codec import digest_of


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Version of every installed distribution by its normalised name."""
    found = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name:
            found[name.lower().replace("_", "-")] = distribution.version
    return dict(sorted(found.items()))


@lru_cache(maxsize=1)
def environment_digest() -> str:
    """Digest of installed distributions, Python version and ABI, and platform."""
    abi = sysconfig.get_config_var("SOABI") or ""
    return digest_of([installed(), sys.version_info[:3], abi, sysconfig.get_platform()])


def code_commit(folder: Path) -> str:
    """The commit checked out in ``folder``, ``+changes`` behind it if it was changed; or empty."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return ""
    return head + ("+changes" if _git(folder, "status", "--porcelain", "--", ".") else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
