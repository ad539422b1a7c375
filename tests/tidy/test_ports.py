"""Each port has a shipped conformance suite, and each suite is run by a backend of ours."""

from __future__ import annotations

import ast

import pytest

from tests.tidy.source import PACKAGE, modules, tracked

PORTS = sorted(path.stem for path in (PACKAGE / "ports").glob("[a-z]*.py"))


def suite(port):
    """The classes of a port's suite."""
    tree = modules().get(f"testing/{port}_conformance.py")
    body = tree.body if tree else []
    return [n.name for n in body if isinstance(n, ast.ClassDef) and n.name.endswith("Conformance")]


@pytest.mark.parametrize("port", PORTS)
def test_a_port_has_a_conformance_suite_that_a_backend_passes(port):
    (name,) = suite(port)
    tests = [text for file, text in tracked().items() if file.startswith("tests/unit/")]
    assert any(f"({name})" in text for text in tests), f"no test subclasses {name}"


@pytest.mark.parametrize("port", PORTS)
def test_a_port_states_its_contract(port):
    tree = modules()[f"ports/{port}.py"]
    protocols = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    assert protocols
    for protocol in protocols:
        assert len((ast.get_docstring(protocol) or "").split()) >= 10, protocol.name
