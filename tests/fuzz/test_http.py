"""Requests that nobody would send: always the document's shapes, never a 5xx of our own making."""

import json
from tempfile import mkdtemp
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.served_gateway import BASE, ROW, gateway

SERVED = gateway(Path(mkdtemp(prefix="homeostat-fuzz-")))
schema = schemathesis.openapi.from_asgi("/openapi.json", SERVED.worker.app)


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case):
    case.call_and_validate()
