"""The error tree: its drawing, its classes, and what each error shows."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re

import pytest

from homeostat import errors
from homeostat.errors import HomeostatError

LINE = re.compile(
    r"^(?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+)\s+(?P<code>H\d{3})(\s{2}(?P<text>.+))?$"
)


def drawn():
    """Name, code, parent and text of each class in the drawing of the module docstring."""
    found, parents = [], {}
    for line in inspect.getdoc(errors).splitlines():
        match = LINE.match(line)
        if match:
            depth = len(match[1]) // 4 - 1  # the drawing is indented by four
            parents[depth] = match["name"]
            above = parents[depth - 1] if depth else None
            found.append((match["name"], match["code"], above, match["text"]))
    return found


def classes():
    """All error classes of the module, in the order of the file."""
    return [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, HomeostatError)
    ]


def test_the_drawing_is_the_tree():
    built = [
        (kind.__name__, kind.code, None if kind is HomeostatError else kind.__base__.__name__)
        for kind in classes()
    ]
    assert [line[:3] for line in drawn()] == built


def test_the_drawing_says_what_each_error_means():
    assert [name for name, _, above, text in drawn() if above and not text] == []


def test_codes_are_unique_and_group_by_branch():
    codes = [kind.code for kind in classes()]
    assert len(set(codes)) == len(codes)
    for kind in classes():
        if kind.__base__ not in (HomeostatError, Exception):
            assert kind.code[1] == kind.__base__.code[1], kind


def test_every_class_has_a_docstring_and_a_code_of_its_own():
    for kind in classes():
        assert vars(kind).get("__doc__"), kind
        assert "code" in vars(kind), kind


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_an_error_shows_code_subject_problem_and_next_step(kind):
    error = kind("it broke", subject="file.csv:3", next_step="mend it")
    assert str(error) == f"[{kind.code}] file.csv:3: it broke Next: mend it"
    assert json.loads(json.dumps(error.as_dict())) == {
        "code": kind.code,
        "error": kind.__name__,
        "problem": "it broke",
        "subject": "file.csv:3",
        "next_step": "mend it",
    }


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("clone", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_an_error_crosses_process_borders_whole(kind, clone):
    error = kind("it broke", subject="s", next_step="n")
    other = clone(error)
    assert type(other) is kind
    assert other.as_dict() == error.as_dict()
    assert str(other) == str(error)


def test_what_is_not_known_is_left_out():
    assert str(HomeostatError("it broke")) == "[H000] it broke"
    assert str(HomeostatError("it broke", subject="s")) == "[H000] s: it broke"
