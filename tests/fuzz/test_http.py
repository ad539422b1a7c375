"""Requests that nobody would send: always the document's shapes, never a 5xx of our own making."""

import json
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.served_gateway import BASE, ROW, gateway

SERVED = gateway(Path(mkdtemp(prefix="homeostat-fuzz-")))
schema = schemathesis.openapi.from_asgi("/openapi.json", SERVED.worker.app)


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case):
    """No 5xx, no undocumented status or shape; what the document forbids is refused."""
    # That a tensor has as many elements as its shape says cannot be said in JSON Schema.
    beyond = [positive_data_acceptance] if case.path.endswith("/infer") else []
    answer = case.call()
    if answer.status_code == 422 and "far too large numbers" in answer.text:
        beyond = [positive_data_acceptance]  # how large a number a model takes is its own affair
    case.validate_response(answer, excluded_checks=beyond)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=12) | st.sampled_from([*ROW, "rows", "id"]), inner, max_size=8
        )
    ),
    max_leaves=20,
)
PATHS = (f"{BASE}/predict", f"{BASE}/labels", "/v2/models/tumours/infer", "/v2/repository/index")


def answered(path, content, **headers):
    answer = SERVED.ask("POST", path, content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    json.loads(answer.content)
    return answer


@given(st.sampled_from(PATHS), JSON)
@settings(max_examples=150, deadline=None)
def test_any_json_is_answered_or_refused(path, document):
    answered(path, json.dumps(document).encode())


@given(st.sampled_from(PATHS), st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_answered_or_refused(path, content):
    answered(path, content)


@given(st.dictionaries(st.sampled_from(list(ROW)), JSON, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_value_of_a_feature_is_answered_or_named(values):
    answer = answered(f"{BASE}/predict", json.dumps({**ROW, **values}).encode())
    if answer.status_code == 422:
        assert answer.json()["next_step"]


@given(st.binary(max_size=400), st.integers(-5, 500))
@settings(max_examples=150, deadline=None)
def test_any_binary_tensor_is_answered_or_refused(raw, length):
    head = b'{"inputs":[{"name":"rows","datatype":"FP32","shape":[1,6],"parameters":'
    head += b'{"binary_data_size":24}}]}'
    header = {"Inference-Header-Content-Length": str(length)}
    answered("/v2/models/tumours/infer", head + raw, **header)
    header = {"Inference-Header-Content-Length": str(len(head))}
    answered("/v2/models/tumours/infer", head + raw, **header)


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="?#"), max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_path_is_answered_or_refused(path):
    for start in ("/", "/v1/models/tumours/", "/v2/models/", "/v2/models/tumours/versions/"):
        answer = SERVED.ask("GET", start + quote(path))
        assert answer.status_code < 500


@pytest.mark.parametrize("path", PATHS)
def test_a_hundred_megabytes_are_refused_before_they_are_held(path):
    taken = 0

    async def drip():
        nonlocal taken
        for _ in range(100):
            taken += 1024 * 1024
            yield b" " * 1024 * 1024

    assert SERVED.ask("POST", path, content=drip()).status_code == 413
    assert taken < 20 * 1024 * 1024
