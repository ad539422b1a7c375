"""Triton's own HTTP client against the gateway."""

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.served_gateway import ROW, gateway


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return gateway(tmp_path_factory.mktemp("triton"))


@pytest.fixture(scope="module")
def client(served):
    with served.listening() as port:
        found = triton.InferenceServerClient(f"127.0.0.1:{port}")
        yield found
        found.close()


def inputs(count=3, datatype="FP64", binary=True):
    dtype = {"FP64": np.float64, "FP32": np.float32, "INT32": np.int32}[datatype]
    made = []
    for name, value in ROW.items():
        tensor = triton.InferInput(name, [count], datatype)
        tensor.set_data_from_numpy(np.full(count, value).astype(dtype), binary_data=binary)
        made.append(tensor)
    return made


def expected(served, values):
    import polars as pl

    return served.worker.model.arms.champion().scorer.score(pl.DataFrame(values))


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tumours")
    assert client.is_model_ready("tumours", "1")
    assert not client.is_model_ready("tumours", "99")
    assert not client.is_model_ready("other")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    model = client.get_model_metadata("tumours")
    assert model["versions"] == ["1"]
    assert [one["name"] for one in model["inputs"]] == list(ROW)
    assert client.get_model_repository_index()[0]["state"] == "READY"


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_what_is_answered_is_what_the_model_says(served, client, binary_in, binary_out):
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary_out)
        for name in ("prediction", "probabilities", "label", "version", "prediction_id")
    ]
    answer = client.infer(
        "tumours", inputs(binary=binary_in), outputs=wanted, request_id="request-7"
    )
    response = answer.get_response()
    assert response["id"] == "request-7"
    assert response["model_version"] == "1"
    truth = expected(served, {name: [value] * 3 for name, value in ROW.items()})
    assert answer.as_numpy("prediction") == pytest.approx(truth, abs=1e-12)
    assert answer.as_numpy("probabilities").shape == (3, 2)
    assert answer.as_numpy("probabilities").sum(axis=1) == pytest.approx(np.ones(3))
    assert answer.as_numpy("label").tolist() == [True] * 3
    assert answer.as_numpy("version").tolist() == [1, 1, 1]
    assert len(set(answer.as_numpy("prediction_id").tolist())) == 3
    assert answer.as_numpy("event_id") is None


@pytest.mark.parametrize("datatype", ["FP32", "INT32"])
def test_narrower_numbers_are_taken(client, datatype):
    answer = client.infer("tumours", inputs(datatype=datatype))
    assert answer.as_numpy("prediction").shape == (3,)


def test_events_are_named_and_logged(served, client):
    events = triton.InferInput("id", [2], "BYTES")
    events.set_data_from_numpy(np.array(["b-1", "b-ü"], dtype=object))
    answer = client.infer("tumours", [*inputs(2), events])
    assert [e.decode() for e in answer.as_numpy("event_id")] == ["b-1", "b-ü"]


def test_a_large_request_is_answered_whole(served, client):
    answer = client.infer("tumours", inputs(10_000))
    assert answer.as_numpy("prediction").shape == (10_000,)
    assert len(set(answer.as_numpy("prediction_id").tolist())) == 10_000


def test_all_features_may_be_one_matrix(served, client):
    rows = triton.InferInput("rows", [2, 6], "FP64")
    rows.set_data_from_numpy(np.array([list(ROW.values())] * 2))
    truth = expected(served, {name: [value] * 2 for name, value in ROW.items()})
    assert client.infer("tumours", [rows]).as_numpy("prediction") == pytest.approx(truth)


def test_nan_is_null(client):
    rows = triton.InferInput("rows", [1, 6], "FP32")
    rows.set_data_from_numpy(np.full((1, 6), np.nan, dtype=np.float32))
    assert 0 <= client.infer("tumours", [rows]).as_numpy("prediction")[0] <= 1


@pytest.mark.parametrize(
    ("ask", "status", "named"),
    [
        (lambda c: c.infer("other", inputs()), "404", "other"),
        (lambda c: c.infer("tumours", inputs(), model_version="99"), "404", "99"),
        (lambda c: c.infer("tumours", inputs()[1:]), "400", "mean_radius"),
        (
            lambda c: c.infer(
                "tumours", inputs(), outputs=[triton.InferRequestedOutput("nothing")]
            ),
            "400",
            "nothing",
        ),
        (lambda c: c.infer("tumours", [*inputs(3)[:5], inputs(2)[5]]), "400", "rows"),
    ],
)
def test_errors_are_in_the_shape_that_the_client_knows(client, ask, status, named):
    with pytest.raises(InferenceServerException) as caught:
        ask(client)
    assert caught.value.status() == status
    assert named in caught.value.message()
