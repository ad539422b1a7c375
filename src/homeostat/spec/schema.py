"""JSON Schema of the project file, for editors."""

from __future__ import annotations

from typing import Any

from homeostat.spec.project import Project


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) with a description of every key."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Project.model_json_schema(),
        "title": "homeostat.yaml",
    }
