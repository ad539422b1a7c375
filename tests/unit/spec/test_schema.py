import jsonschema

from homeostat.spec.schema import json_schema


def test_it_is_a_valid_schema_of_its_draft():
    jsonschema.Draft202012Validator.check_schema(json_schema())


def referred(schema, value):
    """The section that a key refers to, whose description stands for the key's when equal."""
    return schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})


def test_an_editor_can_explain_every_key():
    schema = json_schema()
    sections = {"the file": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, value in section.get("properties", {}).items()
        if not (value.get("description") or referred(schema, value).get("description"))
    ]
    assert len(sections) > 20
    assert silent == []


def test_the_owner_is_asked_for():
    assert "owner" in json_schema()["required"]
