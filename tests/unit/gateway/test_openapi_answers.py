"""What the gateway answers is what its own document says."""

import jsonschema
import pytest

from tests.served_gateway import BASE, ROW, gateway


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return gateway(tmp_path_factory.mktemp("openapi"))


@pytest.fixture(scope="module")
def document(served):
    return served.ask("GET", "/openapi.json").json()


def declared(document, path, method, answer):
    """The schema of an answer: its status and its media type must be declared."""
    responses = document["paths"][path][method.lower()]["responses"]
    found = responses[str(answer.status_code)]
    if "$ref" in found:
        found = document["components"]["responses"][found["$ref"].rsplit("/", 1)[-1]]
    for name in found.get("headers", {}):
        assert name in answer.headers
    return found["content"][answer.headers["content-type"].split(";")[0]]["schema"]


BAD = {key: value for key, value in ROW.items() if key != "worst_area"}
ASKED = [
    ("POST", f"{BASE}/predict", ROW),
    ("POST", f"{BASE}/predict", {"rows": [ROW, {**ROW, "worst_area": 1e7}]}),
    ("POST", f"{BASE}/predict", BAD),
    ("POST", f"{BASE}/predict", []),
    ("POST", f"{BASE}/labels", {"id": "nobody", "label": True}),
    ("POST", f"{BASE}/labels", {"labels": [{"prediction_id": "x", "label": 0}], "details": True}),
    ("POST", f"{BASE}/labels", {"id": "nobody", "label": "yes"}),
    ("GET", BASE, None),
    ("GET", "/v1/models", None),
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/metrics", None),
    ("GET", "/openapi.json", None),
    ("GET", "/", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
def test_each_answer_has_the_declared_status_media_type_and_shape(
    served, document, method, path, body
):
    options = {} if body is None else {"json": body}
    answer = served.ask(method, path, **options)
    schema = declared(document, path, method, answer)
    is_json = "json" in answer.headers["content-type"]
    value = answer.json() if is_json else answer.text
    jsonschema.Draft202012Validator({**document, **schema}).validate(value)


def test_the_example_is_answered_as_it_stands(served, document):
    for path in (f"{BASE}/predict", f"{BASE}/labels"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert served.ask("POST", path, json=body["example"]).is_success


def test_every_friendly_route_is_in_the_document(served, document):
    asked = {path for _, path, _ in ASKED}
    assert asked == {path for path in document["paths"] if not path.startswith("/v2")}


def test_before_the_first_version_the_document_is_true_too(tmp_path):
    dark = gateway(tmp_path, routed=False)
    document = dark.ask("GET", "/openapi.json").json()
    for method, path in (
        ("GET", "/readyz"),
        ("GET", BASE),
        ("GET", "/"),
        ("POST", f"{BASE}/predict"),
    ):
        answer = dark.ask(method, path, **({"json": ROW} if method == "POST" else {}))
        schema = declared(document, path, method, answer)
        is_json = "json" in answer.headers["content-type"]
        value = answer.json() if is_json else answer.text
        jsonschema.Draft202012Validator({**document, **schema}).validate(value)
