"""Sources: functions beside the project file, files, and posted rows."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from homeostat.adapters.local.source_reader import ProjectSourceReader
from homeostat.domain.delivery import Window
from homeostat.errors import ColumnError, ProjectCodeError, SourceError
from homeostat.monitoring.label_log import LabelLog
from homeostat.spec.project import Project
from homeostat.testing.source_conformance import Reading, SourceConformance

DAY = timedelta(days=1)
START = datetime(2024, 3, 1, tzinfo=UTC)
MARCH = Window(START, START + 31 * DAY)


def reader(folder, posted=None, known_at="at", **origin):
    origin = {name.rstrip("_"): value for name, value in origin.items()}
    source = {"known_at": known_at, **(origin or {"path": "rows.csv"})}
    project = Project.model_validate(
        {
            "homeostat": 1,
            "model": "m",
            "owner": "tests",
            "task": "binary",
            "events": {"source": "rows", "id": "id", "time": "at"},
            "labels": {"source": "rows", "column": "y"},
            "sources": {"rows": source},
            "features": {"row": ["x"]},
            "metrics": {"primary": "auc"},
        }
    )
    return ProjectSourceReader(project, folder, posted)


def read(folder, window=MARCH, **given):
    return reader(folder, **given).read("rows", window)


def write(folder, text, name="rows.csv"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def table(days=4):
    at = [START + number * DAY for number in range(days)]
    return pl.DataFrame({"id": range(days), "at": at, "x": [1.5] * days})


class FromFiles(SourceConformance):
    """What a reader of files must do, whatever their format."""

    def reading_of(self, folder, pattern):
        return Reading(reader(folder, path=pattern), "rows", "at", START, START + 9 * DAY)


class TestCsv(FromFiles):
    @pytest.fixture
    def reading(self, tmp_path):
        table().write_csv(tmp_path / "rows.csv")
        return self.reading_of(tmp_path, "rows.csv")


class TestParquet(FromFiles):
    @pytest.fixture
    def reading(self, tmp_path):
        table().write_parquet(tmp_path / "rows.parquet")
        return self.reading_of(tmp_path, "rows.parquet")


class TestManyFiles(FromFiles):
    @pytest.fixture
    def reading(self, tmp_path):
        (tmp_path / "data").mkdir()
        for number in range(4):
            table()[number].write_csv(tmp_path / "data" / f"{number}.csv")
        return self.reading_of(tmp_path, "data/*.csv")


class TestFunction(SourceConformance):
    @pytest.fixture
    def reading(self, tmp_path):
        table().write_parquet(tmp_path / "rows.parquet")
        write(
            tmp_path,
            "import polars as pl\n"
            "def rows(since, until, column):\n"
            "    path = __file__.replace('data.py', 'rows.parquet')\n"
            "    inside = pl.col(column).is_between(since, until, closed='left')\n"
            "    return pl.read_parquet(path).filter(inside)\n",
            "data.py",
        )
        given = reader(tmp_path, load="data:rows", options={"column": "at"})
        return Reading(given, "rows", "at", START, START + 9 * DAY)


class TestPosted(SourceConformance):
    @pytest.fixture
    def reading(self, tmp_path):
        log = LabelLog(tmp_path / "log")
        for number in range(4):
            log.post({f"event {number}": float(number % 2)}, START + number * DAY)
        return Reading(reader(tmp_path, log, posted_=True), "rows", "at", START, START + 9 * DAY)


# -- files: times -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024-03-02", "2024-03-02T00:00:00+00:00"),
        ("2024-03-02 10:30", "2024-03-02T10:30:00+00:00"),
        ("2024-03-02T10:30:00", "2024-03-02T10:30:00+00:00"),
        ("2024-03-02T10:30:00Z", "2024-03-02T10:30:00+00:00"),
        ("2024-03-02T10:30:00.25Z", "2024-03-02T10:30:00.250000+00:00"),
        ("2024-03-02T10:30:00+02:00", "2024-03-02T08:30:00+00:00"),
        ("2024-03-02T10:30:00-0500", "2024-03-02T15:30:00+00:00"),
    ],
)
def test_iso_times_are_read_exactly(tmp_path, text, meant):
    write(tmp_path, f"id,at,x\n1,{text},1\n")
    assert read(tmp_path)["at"][0].isoformat() == meant


def test_each_row_may_write_its_time_in_its_own_way(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-03\n2,2024-03-02T01:00:00+02:00\n3,2024-03-01 23:30:00.5\n")
    frame = read(tmp_path)
    assert frame["id"].to_list() == [2, 3, 1]


@pytest.mark.parametrize("text", ["02/03/2024", "soon", "2024-02-31", "2024-03-02T25:00:00", "12"])
def test_other_times_are_not_guessed_at(tmp_path, text):
    write(tmp_path, f"id,at,x\n1,2024-03-01,1\n2,{text},1\n")
    with pytest.raises(ColumnError) as caught:
        read(tmp_path)
    assert caught.value.subject == f"{tmp_path / 'rows.csv'}:3"
    assert text in caught.value.problem
    assert "ISO 8601" in caught.value.next_step


def test_numbers_are_not_times(tmp_path):
    write(tmp_path, "id,at\n1,1709251200\n")
    with pytest.raises(ColumnError, match=r"rows\.csv"):
        read(tmp_path)


def test_rows_without_a_time_are_not_known_yet(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-02\n2,\n")
    assert read(tmp_path)["id"].to_list() == [1]


def test_other_columns_of_times_become_times_and_text_stays_text(tmp_path):
    write(tmp_path, "at,due,day,code,odd\n2024-03-02,2024-03-05T10:00:00Z,2024-03-05,0012,2024-1\n")
    frame = read(tmp_path)
    assert dict(frame.schema) == {
        "at": pl.Datetime("us", "UTC"),
        "due": pl.Datetime("us", "UTC"),
        "day": pl.Date,
        "code": pl.Int64,
        "odd": pl.String,
    }


def test_parquet_times_without_a_zone_are_utc(tmp_path):
    frame = table().with_columns(pl.col("at").dt.replace_time_zone(None).dt.cast_time_unit("ns"))
    frame.write_parquet(tmp_path / "rows.parquet")
    assert read(tmp_path, path="rows.parquet").equals(table())


# -- files: what can be wrong -----------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path)
    assert caught.value.subject == str(tmp_path / "rows.csv")
    assert caught.value.next_step


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "rows.csv").mkdir()
    with pytest.raises(SourceError, match="folder"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_an_empty_file_says_so(tmp_path, name):
    write(tmp_path, "", name)
    with pytest.raises(SourceError, match="empty"):
        read(tmp_path, path=name)


def test_a_header_alone_is_a_source_without_rows(tmp_path):
    write(tmp_path, "id,at,x\n")
    frame = read(tmp_path)
    assert frame.height == 0
    assert frame.columns == ["id", "at", "x"]


def test_a_line_with_too_many_fields_is_named(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-02\n2,2024-03-02,oops\n")
    with pytest.raises(SourceError, match="3 fields, the header has 2") as caught:
        read(tmp_path)
    assert caught.value.subject.endswith("rows.csv:3")


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"id,at\n1,2024-03-02\n\xff\xfe,2024-03-02\n")
    with pytest.raises(SourceError, match="UTF-8") as caught:
        read(tmp_path)
    assert caught.value.subject.endswith("rows.csv:3")


def test_a_quote_that_never_closes_is_a_typed_error(tmp_path):
    write(tmp_path, 'id,at\n"1,2024-03-02\n2,2024-03-02\n')
    with pytest.raises((SourceError, ColumnError), match=r"rows\.csv"):
        read(tmp_path)


def test_a_damaged_parquet_file_is_named(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1" + b"garbage" * 20 + b"PAR1")
    with pytest.raises(SourceError) as caught:
        read(tmp_path, path="rows.parquet")
    assert caught.value.subject == str(tmp_path / "rows.parquet")


def test_a_column_that_stands_twice_is_refused(tmp_path):
    write(tmp_path, "id,at,at\n1,2024-03-02,2024-03-02\n")
    with pytest.raises(ColumnError, match="twice"):
        read(tmp_path)


def test_a_missing_time_column_lists_what_there_is(tmp_path):
    write(tmp_path, "id,seen_at\n1,2024-03-02\n")
    with pytest.raises(ColumnError, match="seen_at") as caught:
        read(tmp_path)
    assert caught.value.subject == str(tmp_path / "rows.csv")


def test_other_formats_are_refused(tmp_path):
    write(tmp_path, "{}", "rows.json")
    with pytest.raises(SourceError, match="neither CSV nor Parquet"):
        read(tmp_path, path="rows.json")


def test_of_many_files_the_bad_one_is_named(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-02\n", "data/1.csv")
    write(tmp_path, "id,at\n1,never\n", "data/2.csv")
    with pytest.raises(ColumnError) as caught:
        read(tmp_path, path="data/*.csv")
    assert caught.value.subject == f"{tmp_path / 'data' / '2.csv'}:2"


def test_files_whose_columns_differ_are_put_together(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-02\n", "data/1.csv")
    write(tmp_path, "at,id,x\n2024-03-03,2.5,7\n", "data/2.csv")
    rows = read(tmp_path, path="data/*.csv").select("id", "x").rows()
    assert rows == [(1.0, None), (2.5, 7)]


def test_files_outside_of_the_window_do_not_shape_its_columns(tmp_path):
    write(tmp_path, "id,at,x\n1,2024-02-02,1\n", "data/1.csv")
    write(tmp_path, "id,at,y\n2,2024-03-03,1\n", "data/2.csv")
    assert read(tmp_path, path="data/*.csv").columns == ["id", "at", "y"]


def test_files_that_do_not_fit_together_are_a_typed_error(tmp_path):
    write(tmp_path, "id,at,x\n1,2024-03-02,1\n", "data/1.csv")
    write(tmp_path, "id,at,x\n2,2024-03-03,2024-03-03\n", "data/2.csv")
    with pytest.raises(ColumnError, match=r"column 'x'.*1\.csv") as caught:
        read(tmp_path, path="data/*.csv")
    assert caught.value.subject == str(tmp_path / "data" / "2.csv")


def test_a_file_that_grew_is_read_again(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-02\n")
    given = reader(tmp_path)
    assert given.read("rows", MARCH).height == 1
    write(tmp_path, "id,at\n1,2024-03-02\n2,2024-03-03\n")
    assert given.read("rows", MARCH).height == 2


def test_a_project_folder_may_have_any_name(tmp_path):
    write(tmp_path / "odd [name]*", "id,at\n1,2024-03-02\n")
    assert read(tmp_path / "odd [name]*").height == 1


def test_a_path_may_be_absolute(tmp_path):
    write(tmp_path / "there", "id,at\n1,2024-03-02\n")
    (tmp_path / "here").mkdir()
    assert read(tmp_path / "here", path=str(tmp_path / "there" / "rows.csv")).height == 1


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_typed_error(tmp_path):
    write(tmp_path, "id,at\n1,2024-03-02\n")
    (tmp_path / "rows.csv").chmod(0)
    with pytest.raises(SourceError):
        read(tmp_path)


# -- functions --------------------------------------------------------------------------------

HEAD = "import polars as pl, pandas as pd, pyarrow as pa\ndef rows(since, until):\n    "


def load(folder, body, window=MARCH):
    write(folder, HEAD + body, "data.py")
    return read(folder, window, load="data:rows")


@pytest.mark.parametrize(
    "body",
    [
        "return pl.DataFrame({'at': [since], 'x': [1]})",
        "return pl.LazyFrame({'at': [since], 'x': [1]})",
        "return pd.DataFrame({'at': [since], 'x': [1]})",
        "return pa.table({'at': [since], 'x': [1]})",
        "return pl.DataFrame({'at': [since.replace(tzinfo=None)], 'x': [1]})",
        "return pl.DataFrame({'at': [since.isoformat()], 'x': [1]})",
        "return pl.DataFrame({'at': [since.date()], 'x': [1]})",
    ],
)
def test_a_function_may_return_any_frame(tmp_path, body):
    frame = load(tmp_path, body)
    assert frame.schema == {"at": pl.Datetime("us", "UTC"), "x": pl.Int64}
    assert frame["at"].to_list() == [START]


def test_it_gets_the_window_and_its_options(tmp_path):
    write(
        tmp_path,
        "import polars as pl\n"
        "def rows(since, until, *, city, deep):\n"
        "    return pl.DataFrame({'at': [since, until], 'city': city, 'deep': deep['er']})\n",
        "data.py",
    )
    options = {"city": "Oslo", "deep": {"er": 3}}
    frame = read(tmp_path, load="data:rows", options=options)
    assert frame.rows() == [(MARCH.since, "Oslo", 3), (MARCH.until, "Oslo", 3)]


@pytest.mark.parametrize("body", ["raise KeyError('no such day')", "exit(3)", "return 1 / 0"])
def test_a_function_that_raises_is_named_with_its_line_and_cause(tmp_path, body):
    with pytest.raises(SourceError) as caught:
        load(tmp_path, body)
    assert f"{tmp_path / 'data.py'}:3" in caught.value.subject
    assert caught.value.__cause__ is not None
    assert type(caught.value.__cause__).__name__ in caught.value.problem


def test_an_error_that_is_typed_already_passes_as_it_is(tmp_path):
    with pytest.raises(SourceError, match="my own") as caught:
        load(tmp_path, "import homeostat.errors as e; raise e.SourceError('my own', subject='s')")
    assert caught.value.subject == "s"


@pytest.mark.parametrize("body", ["return None", "return [1, 2]", "return {'at': [since]}"])
def test_what_is_no_frame_is_refused(tmp_path, body):
    with pytest.raises(SourceError, match="not a frame"):
        load(tmp_path, body)


def test_a_pandas_column_of_mixed_types_is_a_typed_error(tmp_path):
    with pytest.raises(SourceError, match="data:rows"):
        load(tmp_path, "return pd.DataFrame({'at': [since] * 2, 'x': [1, {'a': object()}]})")


def test_times_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ColumnError, match="yesterday") as caught:
        load(tmp_path, "return pl.DataFrame({'at': ['yesterday']})")
    assert "rows" in caught.value.subject


@pytest.mark.parametrize(
    "body",
    [
        "return pl.DataFrame({'renamed': [since]})",
        "return pl.DataFrame({'at': [1, 2]})",
        "return pl.DataFrame({'at': [since, None, until]})",
        "return pl.DataFrame()",
    ],
)
def test_what_the_checks_should_see_is_passed_on(tmp_path, body):
    assert load(tmp_path, body).width in (0, 1)


def test_a_function_that_is_not_there_is_the_projects_error(tmp_path):
    with pytest.raises(ProjectCodeError):
        read(tmp_path, load="data:rows")


# -- posted labels ----------------------------------------------------------------------------


def test_posted_labels_get_the_names_that_the_project_declares(tmp_path):
    log = LabelLog(tmp_path / "log")
    log.post({"e1": 1.0}, START)
    frame = read(tmp_path, posted=log, posted_=True)
    assert frame.rows(named=True) == [{"id": "e1", "y": 1.0, "at": START}]


def test_without_a_gateway_there_are_no_posted_rows(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, posted_=True)
    assert "homeostat up" in caught.value.next_step
