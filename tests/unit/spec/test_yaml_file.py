import pytest

from homeostat.errors import ProjectFileError
from homeostat.spec.yaml_file import MAX_BYTES, compose, line_of, values_of


def read(tmp_path, content):
    path = tmp_path / "homeostat.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    node = compose(path)
    return values_of(path, node), node


def refused(tmp_path, content):
    with pytest.raises(ProjectFileError) as error:
        read(tmp_path, content)
    assert error.value.next_step
    return error.value


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("# nothing\n", 1, "empty"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML"),
        ("a:\n\tb: 1\n", 2, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        (b"a: \x00\n", 1, "not YAML"),
        (b"a: 1\nb: \xe9\n", 2, "not UTF-8"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "not a plain value"),
        ("a: 1\n? [b, c]\n: 2\n", 2, "not a plain value"),
        ("a: !!int nine\n", 1, "not a plain value"),
        ("a: 1\nb: &x {c: *x}\n", 2, "an alias stands within what it names"),
        ("[" * 100_000, 1, "nested too deeply"),
    ],
)
def test_what_is_no_plain_yaml_is_a_typed_error_at_its_line(tmp_path, content, line, said):
    error = refused(tmp_path, content)
    assert error.subject == f"homeostat.yaml:{line}"
    assert said in error.problem


def test_every_key_that_stands_twice_is_named(tmp_path):
    error = refused(tmp_path, "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert "line 5: 'a' stands twice, first in line 1" in error.problem
    assert "line 4: 'c' stands twice, first in line 3" in error.problem


def test_a_key_given_twice_inside_an_alias_is_told_once(tmp_path):
    error = refused(tmp_path, "a: &x {c: 1, c: 2}\nb: *x\nd: *x\n")
    assert error.problem.count("stands twice") == 1


def test_aliases_that_stand_for_too_much_are_refused_before_they_are_written_out(tmp_path):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, 12):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    assert "too many values" in refused(tmp_path, "\n".join(lines)).problem


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    assert "bytes" in refused(tmp_path, b"#" * (MAX_BYTES + 1)).problem


def test_a_file_that_may_not_be_read_is_a_typed_error(tmp_path):
    with pytest.raises(ProjectFileError, match="cannot be read"):
        compose(tmp_path / "nowhere" / "homeostat.yaml")


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n")[0] == {"a": 1}


def test_aliases_and_merged_keys_mean_what_they_say(tmp_path):
    values, _ = read(tmp_path, "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n")
    assert values == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}


def test_a_date_that_is_none_stays_text_for_the_schema_to_refuse(tmp_path):
    values, _ = read(tmp_path, "good: 2024-01-31\nbad: 2024-13-01\n")
    assert values["good"].isoformat() == "2024-01-31"
    assert values["bad"] == "2024-13-01"


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("b", "c"), 3),
        (("b", "list", 1), 6),
        (("b", "list", 1, "x"), 6),
        (("b", "list", 7), 4),
        (("b", "nothing", "below"), 2),
        (("nothing",), 1),
    ],
)
def test_the_line_is_that_of_the_deepest_part_that_is_there(tmp_path, location, line):
    _, node = read(tmp_path, "a: 1\nb:\n  c: 2\n  list:\n    - 1\n    - {x: 1}\n")
    assert line_of(node, location) == line
