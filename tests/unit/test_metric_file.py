"""A user's own metric: the same figures as a built-in one, and one clear line for each mistake."""

import sys
from pathlib import Path

import numpy as np
import pytest
from decision_samples import cross_fit

from podium import metric_file, metrics
from podium.decision import Settings, resolve
from podium.errors import UserError
from podium.targets import TaskType

GOOD = '''"""Mine."""
import numpy as np
greater_is_better = True
takes = "labels"

def score(truth, prediction):
    return (truth == prediction).mean()
'''
COSTS = """
greater_is_better: bool = False
takes = "probabilities"
classes = ["a", "b"]

def costs(truth, prediction):
    return float(((prediction[:, 1] - truth) ** 2).mean())
"""


def written(folder: Path, text: str, function: str = "score") -> str:
    (folder / "my metric.py").write_text(text)
    return metric_file.pinned(f"{folder / 'my metric.py'}::{function}")


def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=300)
    proba = np.clip(0.5 + 0.3 * (truth - 0.5) + 0.2 * rng.normal(size=300), 0.01, 0.99)
    return truth, np.stack([1 - proba, proba], axis=1)


def test_figures_of_labels_are_those_of_the_built_in_metric(tmp_path: Path) -> None:
    metric = written(tmp_path, GOOD)
    truth, proba = problem()
    mine = metrics.score(metric, truth, None, proba, classes=2)
    theirs = metrics.score("accuracy", truth, None, proba, classes=2)
    assert mine.value == theirs.value
    assert mine.se == pytest.approx(theirs.se, rel=0.3)
    assert metrics.greater_is_better(metric)
    folds = np.arange(300) % 3
    assert metrics.fold_scores(metric, truth, None, proba, folds, classes=2) == metrics.fold_scores(
        "accuracy", truth, None, proba, folds, classes=2
    )
    assert metric_file.shown(metric) == "my metric"
    assert metric_file.shown("macro_f1") == "macro_f1"


def test_probabilities_another_function_and_the_direction(tmp_path: Path) -> None:
    metric = written(tmp_path, COSTS, "costs")
    truth, proba = problem()
    found = metrics.value(metric, truth, None, proba, classes=2)
    assert found == pytest.approx(((proba[:, 1] - truth) ** 2).mean())
    assert metrics.utility(metric, found) == -found
    assert metric_file.shown(metric) == "my metric.costs"
    assert metrics.label_mistake(metric, "y", ["a", "b"]) is None
    assert "is for the classes a, b, but the task's are b, c" in metrics.label_mistake(
        metric, "y", ["b", "c"]
    )
    assert resolve("auto", metric, "single_label") == ("argmax",)
    with pytest.raises(UserError, match=r"offsets change labels, but my metric\.costs reads probabilities"):
        resolve("offsets", metric, "single_label")


@pytest.mark.parametrize("type_", ["single_label", "multi_label"])
def test_offsets_can_be_tuned_for_it_where_asked(tmp_path: Path, type_: TaskType) -> None:
    text = GOOD.replace(
        "(truth == prediction).mean()", "(truth * prediction).sum() / max(1, (truth + prediction).sum())"
    )
    metric = written(tmp_path, text)
    truth, proba = problem()
    proba = proba * [1.6, 0.4] / (proba * [1.6, 0.4]).sum(axis=1, keepdims=True)
    if type_ == "multi_label":
        rng = np.random.default_rng(1)
        truth = (rng.random((300, 2)) < 0.2).astype(np.float32)
        proba = np.clip(0.2 + 0.2 * truth + 0.1 * rng.normal(size=truth.shape), 0.01, 0.99)
    settings = Settings(method="offsets", metric=metric, sweeps=2, k=None, min_gain=1.0)
    decided = cross_fit(proba, truth, np.arange(300) % 3, settings)
    plain = metrics.value(metric, truth, None, proba, classes=2)
    assert metrics.value(metric, truth, decided.labels, None, classes=2) > plain + 0.01


def test_an_edited_file_has_another_name_and_the_old_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    metric = written(tmp_path, GOOD)
    changed = written(tmp_path, GOOD.replace(".mean()", ".sum() / 2"))
    assert metric != changed
    assert metrics.value(changed, np.array([0, 1]), np.array([0, 1]), None, classes=2) == 1
    with pytest.raises(UserError, match="was edited during the run: start the run again"):
        metric_file._read.__wrapped__(metric)
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD.replace("def score", "def skore"), "has no function 'score': did you mean 'skore'?"),
        (GOOD.replace("greater_is_better", "larger"), "must say greater_is_better = True, or False"),
        (
            GOOD.replace('"labels"', '"classes"'),
            "must say takes = one of 'labels', 'probabilities', 'values'",
        ),
        (
            GOOD.replace('"labels"', '"values"'),
            "takes values, but a single_label task has labels or probabilities",
        ),
        (GOOD.replace("truth, prediction):", "truth):"), "must take two arguments, truth and prediction"),
        (
            GOOD.replace("(truth == prediction).mean()", "np.nan"),
            "returned nan on 2 rows: it must be a finite number",
        ),
        (GOOD.replace("(truth == prediction).mean()", "'high'"), "must return a number, not str"),
        (GOOD.replace("(truth == prediction)", "truth.foo"), "failed on 2 rows: AttributeError: "),
        (GOOD.replace("return", "truth[0] = 1; return"), "ValueError: assignment destination is read-only"),
        (
            GOOD.replace("import numpy as np", "import no_such_module"),
            "cannot be imported: ModuleNotFoundError",
        ),
        (GOOD.replace("def score", "def"), "my metric.py, line 6: "),
        (GOOD + "score = 3\n", "score of .*my metric.py is no function"),
        (GOOD + "classes = 3\n", "must say classes as a list of names"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, text: str, line: str) -> None:
    metric = written(tmp_path, text)
    with pytest.raises(UserError, match=line) as caught:
        metrics.value(metric, np.array([0, 1]), np.array([0, 1]), None, classes=2)
    assert "\n" not in str(caught.value)
    assert "my metric.py" in str(caught.value)


def test_a_missing_file_and_values(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.py cannot be read \(No such file or directory\); put it there"):
        metric_file.pinned(str(tmp_path / "no.py"))
    metric = written(tmp_path, GOOD.replace('"labels"', '"values"').replace("==", "-"))
    truth, values = np.array([[1.0], [3.0]]), np.array([[0.5], [0.5]])
    assert metrics.value(metric, truth, None, values, classes=1) == 1.5
    assert resolve("auto", metric, "regression") == ("values",)
