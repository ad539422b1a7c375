import pytest

from homeostat.errors import ProjectFileError
from tests.unit.spec.declared import QUALITY, line, loaded


def refused(tmp_path, *changes):
    with pytest.raises(ProjectFileError) as error:
        loaded(tmp_path, *changes)
    return error.value


@pytest.mark.parametrize(
    "condition",
    [
        "auc < 0.9",
        "auc_at_promotion - auc > 0.06 && labels > 1000.0",
        "labels > 30",
        "psi.mean_radius > 0.2",
        'psi["mean_radius"] > 0.2',
        "psi.exists(f, psi[f] > 0.2)",
        "size(psi) > 1",
        "data_age_h.biopsies > 48.0 || quarantined.reports > 2.0",
    ],
)
def test_a_condition_over_signals_that_exist_is_right(tmp_path, condition):
    project = loaded(tmp_path, (QUALITY, f"when: '{condition}'"))
    assert project.triggers["quality"].when == condition


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("auc < ", "syntax error at character 7"),
        ("aucc < 0.9", "no signal 'aucc'; do you mean 'auc'?"),
        ("rmse < 3.0", "no signal 'rmse'"),
        ("psi.mean_radus > 0.2", "do you mean 'psi.mean_radius'?"),
        ('null_share["worst_are"] > 0.2', "do you mean 'null_share.worst_area'?"),
        ("data_age_h.weather > 3.0", "no signal 'data_age_h.weather'"),
        ("auc + 1.0", "gives 2.5, not true or false"),
        ("labels * 2 > 30", "write 2.0 for 2"),
    ],
)
def test_a_condition_that_could_never_be_known_is_a_mistake_at_its_line(tmp_path, condition, said):
    error = refused(tmp_path, (QUALITY, f"when: '{condition}'"))
    assert error.subject == f"homeostat.yaml:{line(tmp_path, 'quality:')}"
    assert error.problem.startswith("'triggers.quality.when': ")
    assert said in error.problem


def test_a_rule_s_condition_is_checked_like_a_trigger_s(tmp_path):
    rules = "rules: {odd: {when: nothing > 1.0, do: alert}}"
    error = refused(tmp_path, ("policy: {cool_down: 7d}", f"policy: {{{rules}}}"))
    assert "'policy.rules.odd.when': no signal 'nothing'" in error.problem


@pytest.mark.parametrize("schedule", ["weekly", "0 6 * * 9", "0 6 * *", "0 0 30 2 *"])
def test_a_schedule_that_never_falls_due_is_a_mistake_at_its_line(tmp_path, schedule):
    error = refused(tmp_path, ("0 6 * * 1", schedule))
    assert error.subject == f"homeostat.yaml:{line(tmp_path, 'weekly:')}"
    assert "not a cron expression" in error.problem
    assert "minute hour day month weekday" in error.problem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("also: [log_loss", "also: [rmse", "rmse cannot be measured with task binary"),
        ("trials: 6", "trials: 6\n    objectives: [mae]", "mae cannot be measured"),
        ("minimum: {auc", "minimum: {brier", "no metric 'brier' is measured"),
        ("accuracy]", "accuracy], slices: [mean_radus]", "do you mean 'mean_radius'?"),
        ("steps: [", "steps: [{share: 0.6, hold: 1d}, ", "0.5 follows on 0.6"),
        ("also: [log_loss", "also: [pinball_50", "pinball_50 cannot be measured"),
        ("primary: auc", "primary: calibration_error", "no interval that holds; take brier"),
        ("accuracy]", "accuracy], own: {auc: {function: a:b, better: less}}", "is built in"),
        ("minimum: {auc", "metrics: {rmse: {margin: 1}}\n  minimum: {auc", "rmse cannot be"),
        (
            "minimum: {auc",
            "fairness: {age: {demographic_parity: 0.1}}\n  minimum: {auc",
            "no feature 'age'",
        ),
        ("minimum: {auc", "fairness: {mean_radius: {}}\n  minimum: {auc", "state a limit"),
        ("load: data:biopsies", "posted: true", "only the source of the labels is posted"),
    ],
)
def test_keys_that_are_right_one_by_one_must_fit_together(tmp_path, old, new, said):
    error = refused(tmp_path, (old, new))
    assert said in error.problem
    assert error.subject.startswith("homeostat.yaml:")


def test_a_floor_may_ask_for_a_metric_on_the_holdout(tmp_path):
    assert loaded(tmp_path, ("minimum: {auc", "minimum: {holdout.auc")).gates.minimum


def test_mistakes_of_all_kinds_are_told_together_in_the_order_of_the_file(tmp_path):
    error = refused(tmp_path, ("0 6 * * 1", "weekly"), ("minimum: {auc", "minimum: {brier"))
    assert error.problem.startswith("2 mistakes:")
    assert error.problem.index("gates.minimum") < error.problem.index("triggers.weekly")
    assert error.subject == f"homeostat.yaml:{line(tmp_path, 'minimum:')}"
