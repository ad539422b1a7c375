"""Inference requests made to hurt: refused by name, whatever their shape."""

import json
import math

import pytest

from homeostat.errors import InputError
from homeostat.gateway.v2.tensors import MAX_AXES, checked_shape, from_json
from tests.served_gateway import BASE, ROW, gateway

INFER = "/v2/models/tumours/infer"
DEEP = b"[" * 900 + b"1" + b"]" * 900


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return gateway(tmp_path_factory.mktemp("hostile"))


def one_row(**changed):
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [1], "data": [value]}
        for name, value in ROW.items()
    ]
    return {"inputs": inputs, **changed}


def asked(served, content, path=INFER):
    return served.ask("POST", path, content=content, headers={})


@pytest.mark.parametrize("key", ["data", "shape", "datatype", "parameters", "name"])
def test_deep_json_in_a_tensor_is_refused(served, key):
    tensor = {"name": "rows", "datatype": "FP64", "shape": [1], "data": [1.0], key: "@"}
    content = json.dumps({"inputs": [tensor]}).encode().replace(b'"@"', DEEP)
    assert asked(served, content).status_code in (400, 422)


@pytest.mark.parametrize("path", [f"{BASE}/predict", f"{BASE}/labels", INFER])
@pytest.mark.parametrize("levels", [900, 100_000])
def test_deep_json_anywhere_is_refused(served, path, levels):
    deep = b"[" * levels + b"1" + b"]" * levels
    for content in (deep, b'{"rows": ' + deep + b"}", b'{"id": ' + deep + b"}"):
        assert asked(served, content, path).status_code in (400, 422)


def test_a_deep_value_of_a_feature_is_refused(served):
    name = next(iter(ROW))
    content = json.dumps({**ROW, name: "@"}).encode().replace(b'"@"', DEEP)
    assert asked(served, content, f"{BASE}/predict").status_code == 422


def test_a_long_shape_is_refused_before_its_product():
    with pytest.raises(InputError, match="a list of 200,000"):
        checked_shape([50_000_000] * 200_000, "inputs[0]")
    assert checked_shape([1] * MAX_AXES, "inputs[0]") == (1,) * MAX_AXES


@pytest.mark.parametrize(
    ("datatype", "value"), [("FP32", 1e39), ("FP16", 1e5), ("INT8", 128), ("UINT8", -1)]
)
def test_a_number_that_does_not_fit_is_refused(datatype, value):
    with pytest.raises(InputError, match=f"does not fit into {datatype}"):
        from_json("x", datatype, (1,), [value], "inputs[0]")
    assert math.isnan(from_json("x", "FP32", (1,), [None], "inputs[0]").data[0])


@pytest.mark.parametrize(
    "data", [[[1.0, 2.0], [3.0]], [[1.0], 2.0], [1.0, [2.0]], [[[1.0]], [2.0]]]
)
def test_uneven_nesting_is_refused(data):
    with pytest.raises(InputError) as refused:
        from_json("x", "FP64", (3,), data, "inputs[0]")
    assert refused.value.subject == "inputs[0].data"


def test_an_output_asked_for_twice_is_refused(served):
    wanted = [{"name": "prediction"}, {"name": "prediction"}]
    answer = asked(served, json.dumps(one_row(outputs=wanted)).encode())
    assert answer.status_code == 400
    assert "asked for twice" in answer.text


def test_the_matrix_takes_an_id_beside_it(served):
    matrix = {"name": "rows", "datatype": "FP64", "shape": [1, len(ROW)], "data": [*ROW.values()]}
    identity = {"name": "id", "datatype": "BYTES", "shape": [1], "data": ["beside-1"]}
    answer = asked(served, json.dumps({"inputs": [matrix, identity]}).encode())
    assert answer.status_code == 200, answer.text
