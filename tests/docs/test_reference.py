"""The manual cannot lag behind the code."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from homeostat.cli.main import app
from homeostat.spec.project import Project

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROUTE_PAGES = ("http.md", "labels.md", "open-inference-protocol.md")


def generator():
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "text"), generator().pages().items())
def test_generated_pages_are_what_the_code_says(name, text):
    assert (DOCS / name).read_text(encoding="utf-8") == text, "run `make docs`"


def sections(kind, seen=()):
    yield kind
    for field in kind.model_fields.values():
        inner, _ = generator()._inner(field.annotation)
        if inner is not None and inner not in seen:
            yield from sections(inner, (*seen, inner))


@pytest.mark.parametrize("kind", sorted(set(sections(Project)), key=lambda kind: kind.__name__))
def test_every_key_of_the_project_file_is_described(kind: type[BaseModel]):
    missing = [name for name, field in kind.model_fields.items() if not field.description]
    assert not missing


def test_every_file_that_the_tour_names_exists():
    text = (DOCS / "tour.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:src|tests|examples|docs)/[\w./-]+\.\w+)`", text))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_tour_names_every_station_of_the_loop():
    text = (DOCS / "tour.md").read_text(encoding="utf-8")
    stations = [p for p in (ROOT / "src/homeostat/loop").rglob("*.py") if p.stem != "__init__"]
    assert not [p for p in stations if str(p.relative_to(ROOT)) not in text]


def test_every_relative_link_in_the_manual_leads_somewhere():
    broken = []
    for page in (*DOCS.glob("*.md"), ROOT / "README.md"):
        targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        broken += [
            (page.name, target)
            for target in targets
            if not target.startswith("http") and not (page.parent / target).exists()
        ]
    assert not broken


def test_every_command_that_the_pages_show_exists():
    known = {path for path, _ in generator()._walk(typer.main.get_command(app), "homeostat")}
    unknown = []
    pages = (*DOCS.glob("*.md"), ROOT / "README.md", *ROOT.glob("examples/*/README.md"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"(?:^\$ |`)(homeostat [a-z][^`\n#]*)", text, flags=re.MULTILINE):
            words = shlex.split(line)
            if not {" ".join(words[:2]), " ".join(words[:3])} & known:
                unknown.append((page.name, line))
    assert not unknown


def test_every_route_is_in_the_manual(tmp_path):
    from tests.served_gateway import gateway

    document = gateway(tmp_path).ask("GET", "/openapi.json").json()
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in ROUTE_PAGES)
    routes = {path.replace("tumours", "{model}") for path in document["paths"]}
    assert len(routes) >= 9
    assert not [route for route in routes if f"`{route}`" not in text and f" {route}`" not in text]


def test_every_metric_is_in_the_manual():
    from homeostat.gateway.metrics import Metrics

    text = (DOCS / "http.md").read_text(encoding="utf-8")
    names = [family.name for family in Metrics("m").registry.collect()]
    assert len(names) >= 5
    assert not [name for name in names if name not in text]


def test_every_signal_is_in_the_manual():
    from datetime import UTC, datetime

    from homeostat.domain.recorded import Recorded
    from homeostat.monitoring.evidence import LogEvidence
    from homeostat.monitoring.prediction_log import PredictionLog
    from homeostat.spec.load import load_project
    from homeostat.testing.memory import MemoryBlobs

    project = load_project(ROOT / "examples" / "flights")
    evidence = LogEvidence(project, MemoryBlobs(), PredictionLog(Path("nowhere")))
    text = (DOCS / "signals.md").read_text(encoding="utf-8")
    signals = evidence.signals(Recorded(), datetime(2024, 1, 1, tzinfo=UTC))
    families = {name.split(".")[0] for name in signals} - set(project.metrics.names)
    families = {re.sub(r"^\w+_at_promotion$", "_at_promotion", name) for name in families}
    assert not [name for name in families if name not in text]


def test_every_error_code_is_unique_and_in_the_manual():
    kinds = list(generator()._tree(generator().HomeostatError))
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert not [code for code in codes if code not in text]
