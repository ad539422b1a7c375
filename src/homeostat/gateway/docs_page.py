"""The page at ``/``: the model, its versions and features, and a form for every route."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from homeostat.gateway.openapi_parts import JSON

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = Path(__file__).parent / "pages"
LINES = (8, 22)
"""Fewest and most lines of a body's field."""
LONG = 96
"""A value with more characters is laid out over several lines."""


def docs_page(document: dict[str, Any], described: dict[str, Any]) -> str:
    """The whole page, which loads nothing else.

    ``document`` is the OpenAPI document, which also has the features; ``described`` has the
    model's name and its arms, as the model's own route answers them.
    """
    record = document["components"]["schemas"]["Record"]["properties"]
    return (
        _environment()
        .get_template("docs.html")
        .render(
            document=document,
            described=described,
            groups=_groups(document),
            arms=[_arm(one) for one in described["arms"]],
            features=[_feature(name, one) for name, one in record.items() if "x-kind" in one],
            css=(PAGES / "docs.css").read_text(encoding="utf-8"),
            script=(PAGES / "docs.js").read_text(encoding="utf-8"),
        )
    )


@lru_cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ticks"] = _ticks
    return environment


def _ticks(text: str) -> Any:
    """Text with what stands between backticks as code, and everything escaped."""
    from markupsafe import Markup

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text)))  # noqa: S704


def _groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Operations by tag, in the order of the document."""
    operations = [
        _operation(document, method, path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]
    return [
        {
            "name": tag["name"],
            "anchor": tag["name"].lower().replace(" ", "-"),
            "operations": [one for one in operations if one["tag"] == tag["name"]],
        }
        for tag in document["tags"]
    ]


def _operation(
    document: dict[str, Any], method: str, path: str, one: dict[str, Any]
) -> dict[str, Any]:
    bodies = one.get("requestBody", {}).get("content", {})
    body = _pretty(bodies[JSON]["example"]) if JSON in bodies else None
    return {
        "id": one["operationId"],
        "tag": one["tags"][0],
        "method": method.upper(),
        "path": path,
        "summary": one["summary"],
        "description": one.get("description", ""),
        "open": one["operationId"] == "predict",
        "type": JSON,
        "body": body,
        "rows": min(max(body.count("\n") + 2, LINES[0]), LINES[1]) if body else 0,
        "parameters": [
            {"name": given["name"], "value": given.get("example", "")}
            for given in one.get("parameters", ())
            if given["in"] == "path"
        ],
        "answers": [
            (status, _resolved(document, answer)["description"])
            for status, answer in one["responses"].items()
        ],
    }


def _resolved(document: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """An answer, or the one that it refers to."""
    if "$ref" not in answer:
        return answer
    found: dict[str, Any] = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    return found


def _arm(arm: dict[str, Any]) -> dict[str, Any]:
    percent = 0.0 if arm["shadow"] else arm["share"] * 100
    role = arm.get("role") or ("shadow" if arm["shadow"] else "champion")
    said = {
        "shadow": "scores in shadow",
        "dark": "only when named",
    }.get(role, f"{percent:.3g} % of requests")
    return {
        "version": arm["version"],
        "digest": arm["digest"],
        "engine": arm.get("engine", ""),
        "role": role,
        "percent": f"{percent:.4g}",
        "said": said,
    }


def _feature(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    """A row of the table, from the feature's schema."""
    low, high = declared.get("x-range", (None, None))
    null = None in declared["enum"] if "enum" in declared else "null" in declared["type"]
    return {
        "name": name,
        "kind": declared["x-kind"],
        "low": None if low is None else f"{low:g}",
        "high": None if high is None else f"{high:g}",
        "categories": declared.get("x-categories", ()),
        "more": declared.get("x-more-categories", 0),
        "null": "allowed" if null else "refused",
    }


def _pretty(body: Any, indent: str = "") -> str:
    """JSON with one line for what is short, so that a tensor is a line."""
    line = orjson.dumps(body).decode()
    if not indent or not isinstance(body, list | dict) or len(line) > LONG:
        inner = indent + "  "
        if isinstance(body, dict) and body:
            named = (f"{inner}{_text(name)}: {_pretty(one, inner)}" for name, one in body.items())
            return "{\n" + ",\n".join(named) + f"\n{indent}}}"
        if isinstance(body, list) and body:
            return "[\n" + ",\n".join(inner + _pretty(one, inner) for one in body) + f"\n{indent}]"
    return line


def _text(name: str) -> str:
    return orjson.dumps(name).decode()
