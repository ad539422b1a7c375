from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import InputError
from homeostat.gateway.label_requests import MAX_LABELS, Given, details_asked, labels_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_single_label_and_a_list_of_one_are_the_same():
    one = {"id": "e", "label": 1}
    expected = [Given("id", "e", 1.0)]
    for document in (one, {"labels": [one]}, {**one, "details": True}):
        assert labels_of(document) == expected


def test_a_label_comes_by_prediction_by_event_or_by_entity_and_time():
    labels = [
        {"prediction_id": "p", "label": 0.5},
        {"id": 17, "label": True},
        {"entity": "ann", "at": "2026-03-01T12:00:00Z", "label": False},
    ]
    found = labels_of({"labels": labels})
    assert found == [
        Given("prediction_id", "p", 0.5),
        Given("id", "17", 1.0),
        Given("entity", "ann", 0.0, NOON),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T13:30:00+01:30",
        "2026-03-01 12:00:00.000",
    ],
)
def test_times_are_instants_and_utc_where_they_do_not_say(text):
    (one,) = labels_of({"id": "e", "label": 1, "observed_at": text})
    assert one.observed_at == NOON


ENTITY = {"entity": "a", "at": "2026-03-01", "label": 1}


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ({"id": "e"}, ".label"),
        ({"id": "e", "label": None}, ".label"),
        ({"id": "e", "label": "1"}, ".label"),
        ({"id": "e", "label": [1]}, ".label"),
        ({"id": "e", "label": float("nan")}, ".label"),
        ({"id": "e", "label": float("inf")}, ".label"),
        ({"id": "e", "label": 10**400}, ".label"),
        ({"label": 1}, ".id"),
        ({"id": "", "label": 1}, ".id"),
        ({"id": None, "label": 1}, ".id"),
        ({"id": True, "label": 1}, ".id"),
        ({"id": ["e"], "label": 1}, ".id"),
        ({"id": "e" * 1025, "label": 1}, ".id"),
        ({"prediction_id": {}, "label": 1}, ".prediction_id"),
        ({"id": "e", "prediction_id": "p", "label": 1}, ".id"),
        ({"id": "e", "lable": 1}, ".lable"),
        ({"entity": "a", "label": 1}, ".at"),
        ({"id": "e", "at": "2026-03-01", "label": 1}, ".at"),
        ({**ENTITY, "at": "yesterday"}, ".at"),
        ({**ENTITY, "at": 1772366400}, ".at"),
        ({**ENTITY, "at": None}, ".at"),
        ({**ENTITY, "at": "0001-01-01T00:00:00+10:00"}, ".at"),
        ({**ENTITY, "at": "9999-12-31T23:59:59-10:00"}, ".at"),
        ({**ENTITY, "observed_at": "soon"}, ".observed_at"),
        ({**ENTITY, "observed_at": ""}, ".observed_at"),
        ("e", ""),
        (None, ""),
    ],
)
def test_the_field_that_is_wrong_is_named_with_its_place(label, field):
    with pytest.raises(InputError) as caught:
        labels_of({"labels": [{"id": "e", "label": 1}, label]})
    assert caught.value.subject == f"labels[1]{field}"
    assert caught.value.next_step


@pytest.mark.parametrize(
    "document",
    [None, 1, "x", [], {}, {"labels": []}, {"labels": None}, {"labels": {}},
     {"labels": [{"id": "e", "label": 1}], "more": 1},
     [{"id": "e", "label": 1}], {"labels": [{"id": "e", "label": 1}] * (MAX_LABELS + 1)}],
)  # fmt: skip
def test_a_post_that_is_no_list_of_labels_is_an_error(document):
    with pytest.raises(InputError):
        labels_of(document)


@pytest.mark.parametrize("value", [2, -1, 0.5])
def test_a_binary_label_is_one_of_two(value):
    assert labels_of({"id": "e", "label": value})[0].value == value
    with pytest.raises(InputError) as caught:
        labels_of({"id": "e", "label": value}, binary=True)
    assert caught.value.subject == "labels[0].label"
    for fine in (True, False, 0, 1, 1.0):
        assert labels_of({"id": "e", "label": fine}, binary=True)[0].value == float(fine)


def test_details_are_asked_with_a_boolean_only():
    assert details_asked({"details": True, "labels": []}) is True
    assert details_asked([]) is False
    with pytest.raises(InputError):
        details_asked({"details": "yes"})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["id", "prediction_id", "entity", "at", "label", "observed_at", "details"])


documents = values | st.dictionaries(fields, values)


@given(documents | st.fixed_dictionaries({"labels": st.lists(documents, max_size=3)}))
def test_any_document_is_labels_or_an_input_error(document):
    problem = None
    try:
        details_asked(document)
        found = labels_of(document)
    except InputError as error:
        problem, found = error, []
    assert found or problem.next_step
    orjson.dumps(found)
