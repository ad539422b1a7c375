import re
from html.parser import HTMLParser

import orjson
import pytest

from homeostat.gateway.docs_page import docs_page
from homeostat.gateway.openapi import openapi
from homeostat.pipeline.schema import Feature, Schema
from homeostat.spec.project import Project
from tests.unit.gateway.test_openapi import DECLARED

ARMS = [
    {"version": version, "digest": "d" * 64, "share": share, "shadow": role == "shadow",
     "role": role, "engine": "onnx"}
    for version, share, role in ((3, 0.995, "champion"), (4, 0.005, "canary"), (5, 0.0, "shadow"))
]  # fmt: skip
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Checks that tags close in order, and gathers ids, links, forms and what would be loaded."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.hrefs, self.loaded, self.bodies = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.hrefs.append(found["href"])
        elif "src" in found or "href" in found:
            self.loaded.append(found.get("src") or found["href"])
        if tag == "textarea":
            self.bodies.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "textarea":
            self.bodies[-1] += data


def text_of(schema=None, arms=(), **more):
    metric = "rmse" if more.get("task") == "regression" else "auc"
    declared = {**DECLARED, "metrics": {"primary": metric}, **more}
    document = openapi(Project.model_validate(declared), schema, None)
    return docs_page(document, {"model": "demo", "arms": list(arms)}), document


def test_the_page_loads_nothing_else():
    text, _ = text_of(arms=ARMS)
    assert Page(text).loaded == ["data:,"]
    assert not re.search(r"@import|[:\s]url\(|https?://|//cdn", text)


def test_every_operation_has_a_form_and_every_body_is_its_example():
    text, document = text_of(arms=ARMS)
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert text.count("<form") == len(operations)
    examples = [
        one["requestBody"]["content"]["application/json"]["example"]
        for one in operations
        if "requestBody" in one
    ]
    bodies = [orjson.loads(body) for body in Page(text).bodies]
    assert len(bodies) >= 4
    assert all(body in examples for body in bodies)


def test_ids_are_unique_and_links_on_the_page_lead_somewhere():
    page = Page(text_of(arms=ARMS)[0])
    assert len(page.ids) == len(set(page.ids))
    inside = {href[1:] for href in page.hrefs if href.startswith("#")}
    assert inside
    assert inside <= set(page.ids)


def test_shares_and_roles_of_the_arms_are_shown():
    text, _ = text_of(arms=ARMS)
    assert "99.5 % of requests" in text
    assert "0.5 % of requests" in text
    assert "scores in shadow" in text


def test_before_the_first_version_the_page_says_so_and_still_has_the_forms():
    text, _ = text_of()
    assert "No version serves yet" in text
    assert "not known yet" in text
    assert Page(text).bodies


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_features_are_shown_with_what_was_seen_in_training(task):
    many = tuple(f"category {number}" for number in range(40))
    features = (
        Feature("amount", "number", low=-0.5, high=1e6),
        Feature("country", "category", null_allowed=False, categories=many),
    )
    text, _ = text_of(Schema(task, features), task=task)
    flat = re.sub(r"<[^>]+>", "", text)
    assert "-0.5 to 1e+06" in flat
    assert "category 0 category 1" in flat
    assert "and 28 more" in flat
    assert text.count("<td>refused</td>") == text.count("<td>allowed</td>") == 1


HOSTILE = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>`<b>`"


def test_nothing_that_is_declared_or_seen_becomes_markup():
    schema = Schema(
        "binary",
        (Feature("amount", "number"), Feature("country", "category", categories=(HOSTILE,))),
    )
    arm = {"version": 1, "digest": HOSTILE, "share": 1.0, "shadow": False, "engine": HOSTILE}
    text, _ = text_of(schema, [arm], description=HOSTILE)
    assert text.count("<script>") == 1
    assert "<img" not in text
    assert "<b>" not in text
    assert orjson.loads(Page(text).bodies[0])["country"] == HOSTILE
