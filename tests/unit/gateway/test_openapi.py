from itertools import product

import jsonschema
import orjson
import pytest

from homeostat.errors import HomeostatError, InputError
from homeostat.gateway import model
from homeostat.gateway.checks import Checks
from homeostat.gateway.label_requests import details_asked, labels_of
from homeostat.gateway.openapi import openapi
from homeostat.gateway.openapi_shapes import MAX_ROWS
from homeostat.gateway.records import columns_of
from homeostat.monitoring.label_outcome import Outcome, counts
from homeostat.pipeline.schema import Feature, Schema
from homeostat.spec.project import Project

DECLARED = {
    "homeostat": 1,
    "model": "demo",
    "owner": "team",
    "task": "binary",
    "events": {"source": "s", "id": "order", "time": "at", "entity": "shop"},
    "labels": {"source": "s", "column": "y"},
    "sources": {"s": {"path": "x.parquet", "known_at": "at"}},
    "features": {"row": ["amount", "country"], "categorical": ["country"]},
    "training": {"estimator": "sklearn.linear_model:LogisticRegression"},
    "metrics": {"primary": "auc"},
}
SCHEMA = Schema(
    "binary",
    (
        Feature("amount", "number", low=1.0, high=2000.0),
        Feature("country", "category", null_allowed=False, categories=("fr", "de")),
    ),
)


def project(**more):
    metric = "rmse" if more.get("task") == "regression" else "auc"
    return Project.model_validate({**DECLARED, "metrics": {"primary": metric}, **more})


def document(schema=SCHEMA, example=None, online=None, **more):
    return openapi(project(**more), schema, example, online)


def validator(found, name):
    whole = {**found, "$ref": f"#/components/schemas/{name}"}
    return jsonschema.Draft202012Validator(whole)


def operations(found):
    return [(path, one) for path, methods in found["paths"].items() for one in methods.values()]


def test_all_references_lead_somewhere():
    found = document()
    named = set()

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                named.add(node["$ref"])
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(found)
    for one in named:
        _, _, kind, name = one.split("/")
        assert name in found["components"][kind], one
    assert len(named) > 15


def test_every_schema_is_one_and_every_operation_has_a_name_of_its_own():
    found = document()
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [one["operationId"] for _, one in operations(found)]
    assert len(names) == len(set(names)) > 15
    orjson.dumps(found)


def test_parameters_of_a_path_are_declared():
    for path, one in operations(document()):
        declared = {given["name"] for given in one.get("parameters", ())}
        assert declared == ({"version"} if "{version}" in path else set())


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_examples_are_valid_by_their_own_schema(task, schema):
    found = document(schema, task=task)
    for _, one in operations(found):
        for body in one.get("requestBody", {}).get("content", {}).values():
            whole = {**found, **body["schema"]}
            jsonschema.Draft202012Validator(whole).validate(body["example"])


def test_the_example_is_the_golden_row_and_where_it_is_null_a_typical_value():
    def example(**options):
        post = document(**options)["paths"]["/v1/models/demo/predict"]["post"]
        return post["requestBody"]["content"]["application/json"]["example"]

    assert example(example={"amount": 17.5, "country": None}) == {
        "order": "event-1",
        "shop": "entity-1",
        "amount": 17.5,
        "country": "fr",
    }
    assert example()["amount"] == pytest.approx(1000, rel=0.01)


def records():
    amounts = [1, 17.5, -3, 5000, True, "12", "1e3", ".5", None, "twelve", [1], {}, "", "nope"]
    countries = ["fr", "nowhere", "", 7, True, None, 1.5, []]
    for amount, country in product(amounts, countries):
        yield {"amount": amount, "country": country}
    fine = {"amount": 1, "country": "fr"}
    yield {"amount": 1}
    yield {**fine, "county": "fr"}
    for name, value in product(("order", "shop"), ("a", 7, None)):
        yield {**fine, name: value}


@pytest.mark.parametrize(
    "serving",
    [
        {},
        {"missing": "reject"},
        {"unknown_category": "reject"},
        {"out_of_range": "reject"},
    ],
)
def test_a_record_is_valid_exactly_when_the_gateway_takes_it(serving):
    declared = project(serving=serving)
    found = validator(document(serving=serving), "Record")
    checks = Checks(SCHEMA, declared.serving)
    seen = set()
    for record in records():
        named = {name: value for name, value in record.items() if name in ("order", "shop")}
        try:
            columns_of([record], checks.names, ("order", "shop"))
            checks.read(record, len(named), [])
            taken = True
        except InputError:
            taken = False
        strict = serving.get("out_of_range") == "reject" or "unknown_category" in serving
        if found.is_valid(record):
            assert taken, record
        elif not strict:  # a strict gateway also converts what a strict client would not send
            assert not taken, record
        seen.add(taken)
    assert seen == {True, False}


def labels():
    names = [{"id": "e"}, {"prediction_id": "p"}, {"entity": "a", "at": "2026-03-01T12:00:00Z"}]
    wrong = [{}, {"id": ""}, {"id": None}, {"id": True}, {"entity": "a"}, {**names[0], **names[1]},
             {"id": "e", "at": "2026-03-01T12:00:00Z"}, {"id": "e" * 2000},
             {"id": "e", "more": 1}]  # fmt: skip
    for name, value in product([*names, *wrong], [True, 0, 1, 0.5, None, "1", []]):
        one = {**name, "label": value}
        yield from (one, {"labels": [one]}, {"labels": [one, one], "details": True})
        yield from ({**one, "details": True}, {**one, "details": 1})
    yield from ({}, [], {"labels": []}, {"labels": {}}, {"labels": [{"id": "e"}]})
    yield from (
        {"id": "e", "label": 1, "observed_at": at} for at in (None, 5, "2026-03-01T12:00:00Z")
    )


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_labels_are_valid_exactly_when_the_gateway_takes_them(task):
    found = validator(document(task=task), "Labels")
    seen = set()
    for one in labels():
        try:
            details_asked(one)
            labels_of(one, task == "binary")
            taken = True
        except InputError:
            taken = False
        assert found.is_valid(one) is taken, one
        seen.add(taken)
    assert seen == {True, False}


def test_answers_and_errors_have_the_shapes_that_are_declared():
    found = document()
    told = {**counts([Outcome.EARLY]), "labels": [{"outcome": "early", "event_id": "e"}]}
    validator(found, "LabelCounts").validate(told)
    error = HomeostatError("wrong", subject="x", next_step="mend it").as_dict()
    validator(found, "Problem").validate(error)
    assert not validator(found, "Problem").is_valid({"detail": "wrong"})


def test_features_of_views_may_be_left_out_where_an_online_store_fills_them_in():
    features = {
        "row": ["amount"],
        "views": {"shops": {"source": "s", "key": ["shop"], "columns": ["size"]}},
    }
    schema = Schema("binary", (Feature("amount", "number"), Feature("shops__size", "number")))
    without = document(schema, features=features)["components"]["schemas"]["Record"]
    filled = document(schema, features=features, online=["shop"])["components"]["schemas"]["Record"]
    assert without["required"] == ["amount", "shops__size"]
    assert filled["required"] == ["amount"]
    assert "shop" in filled["properties"]


def test_the_most_rows_are_those_that_the_model_takes():
    assert MAX_ROWS == model.MAX_ROWS
