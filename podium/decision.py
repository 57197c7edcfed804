"""From predictions to what is submitted: a rule tuned for the metric, cross-fitted over the folds.

The rules are in ``podium.decision_rules``. ``auto`` tunes one where the plain decision (the most probable class, every
class above 0.5, the values) is not the metric's best answer even to right probabilities, and keeps the plain one where
the gain is inside the noise.
"""

from dataclasses import dataclass

import numpy as np

from podium import clustered, label_shift, metrics
from podium.decision_rules import CutPoints, Offsets, Params, Plain, Ranked, Rule, TopLabels
from podium.errors import UserError, hint
from podium.label_shift import Shift
from podium.metric_file import is_own, shown
from podium.targets import TaskType, type_of

METHODS = ("auto", "argmax", "offsets", "cut_points", "top_k", "prior")


def mistake(method: str, metric: str, type: TaskType) -> str | None:
    """Return why a method cannot be used with a metric in a type of task; None where it can."""
    found = metrics.get(metric, type)
    name = shown(metric)
    if method == "auto":
        return None
    if found.ranked is not None:
        return (
            None if method == "top_k" else f"{name} reads ranked labels, {method} has none; use auto or top_k"
        )
    if method == "cut_points":
        if metric == "qwk":
            return None
        return f"cut_points are for the whole numbers of qwk, not for {name}; use auto"
    if type == "regression":
        if method == "argmax":
            return f"{method} decides labels, but a regression predicts values; use auto"
        return f"{method} changes labels, but a regression predicts values; use auto"
    if method == "argmax":
        return None
    if method in ("top_k", "prior") and (type == "multi_label") != (method == "top_k"):
        what = "several labels a row: multi_label, or map_at_k" if method == "top_k" else "single_label tasks"
        return f"{method} is for {what}; use auto"
    if found.uses == "proba":
        verb = "change" if method == "offsets" else "changes"
        return f"{method} {verb} labels, but {name} reads probabilities; use auto"
    return None


def resolve(method: str, metric: str, type: TaskType) -> tuple[str, ...]:
    """Return the rules to choose from, the plain one first; one alone is used as it is.

    Rules: ``argmax``, ``offsets``, ``cut_points``, ``top_k``, and ``values`` of a regression. Raises ``UserError`` for
    an unknown method, and for one that the metric or the type of task has no use for.
    """
    if method not in METHODS:
        raise UserError(f"decision.method: unknown method '{method}': {hint(method, METHODS)}")
    if wrong := mistake(method, metric, type):
        raise UserError(f"decision.method: {wrong}")
    found = metrics.get(metric, type)
    if method not in ("auto", "prior"):
        return (method,)
    if found.ranked is not None:
        return ("top_k",)
    if type == "regression":
        return ("values", "cut_points") if found.whole else ("values",)
    # A user's own metric is slow to tune for: only where it is asked for.
    if found.argmax_is_optimal or is_own(metric):
        return ("argmax",)
    return ("argmax", "offsets", "cut_points") if found.ordinal else ("argmax", "offsets")


def name_of(rule: str, type: TaskType) -> str:
    """Return what a rule is called in tables that a person reads."""
    names = {"argmax": "threshold 0.5", "offsets": "thresholds"} if type == "multi_label" else {}
    return names.get(rule, rule.replace("_", " "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to decide: ``method`` and ``metric`` by name, and of the config's block ``decision`` the other keys."""

    method: str
    metric: str
    sweeps: int
    k: int | None
    min_gain: float


@dataclass(frozen=True)
class Choice:
    """A rule with its parameters, and why it was taken.

    ``gain`` over the plain decision, of the best tuned rule, and its standard error ``se`` are cross-fitted on the rows
    that the choice was made on; None where there was no choice.
    """

    rule: str
    params: Params
    gain: float | None
    se: float | None


@dataclass(frozen=True)
class Decided:
    """The choice for test, made on all rows, and what was decided out of fold.

    ``labels`` are the decisions on each row by its fold's choice (``folds``, in the order of fold numbers), which the
    other folds alone made: (N,) or in a multi-label task (N, K), of ranked classes (N, k), of a regression values
    (N, T).
    """

    labels: np.ndarray
    test: Choice
    folds: list[Choice]


def rules_of(settings: Settings, type: TaskType) -> dict[str, Rule]:
    """Return the rules to choose from by name, the plain one first."""
    metric = settings.metric
    found = metrics.get(metric, type)
    built: dict[str, Rule] = {}
    for name in resolve(settings.method, metric, type):
        if name == "offsets":
            built[name] = Offsets(type, metric, settings.sweeps)
        elif name == "cut_points":
            built[name] = CutPoints(type)
        elif name == "top_k":
            built[name] = Ranked(found.ranked) if found.ranked is not None else TopLabels(metric, settings.k)
        else:
            built[name] = Plain(type, found.whole)
    return built


def apply(proba: np.ndarray, choice: Choice, settings: Settings, type: TaskType) -> np.ndarray:
    """Return what is decided on ``proba`` (N, K); see ``Decided``."""
    rule = rules_of(settings, type)[choice.rule]
    return rule.decide(rule.features(proba), choice.params)


def cross_fit(
    proba: np.ndarray, truth: np.ndarray, folds: np.ndarray, settings: Settings, *, clusters: np.ndarray
) -> Decided:
    """Decide each fold with what the other folds alone say; ``proba`` is (N, K), ``folds`` and ``clusters`` (N,) int.

    What is best on its own rows overfits where classes are many and rare. So tuned parameters are shrunk towards the
    plain ones by the factor, out of 0, 1/4, 1/2, 3/4, 1, that does best in cross-fitting inside the rows they come from
    (for fold k: fitted without j and k, decided on j). Where several rules are to choose from, the best of them takes
    the place of the plain one only if its gain there is more than ``settings.min_gain`` standard errors of the paired
    difference, in which rows of one cluster count together. With 2 folds there is no inside: the factor is 1/2, and of
    several rules the plain one is kept.
    """
    fitting = _Fitting(proba, truth, folds, clusters, settings)
    labels: np.ndarray | None = None
    choices = []
    for fold in fitting.numbers:
        choices.append(fitting.choose(frozenset([fold])))
        given = fitting.decide(fold, choices[-1].rule, choices[-1].params)
        labels = np.empty((len(truth), *given.shape[1:]), given.dtype) if labels is None else labels
        labels[folds == fold] = given
    assert labels is not None
    return Decided(labels, fitting.choose(frozenset()), choices)


class _Fitting:
    """Rules fitted without some folds; ``without`` is always the set of folds that are not looked at."""

    def __init__(
        self,
        proba: np.ndarray,
        truth: np.ndarray,
        folds: np.ndarray,
        clusters: np.ndarray,
        settings: Settings,
    ) -> None:
        self._truth, self._folds, self._settings, self._classes = truth, folds, settings, proba.shape[1]
        self._clusters = clusters
        self.numbers = np.unique(folds).tolist()
        self._rules = rules_of(settings, type_of(truth))
        self._plain = next(iter(self._rules))
        self._features = {name: rule.features(proba) for name, rule in self._rules.items()}
        self._parts = {
            (name, fold): table[folds == fold]
            for name, table in self._features.items()
            for fold in self.numbers
        }
        self._fits: dict[tuple[str, frozenset[int]], Params] = {}

    def choose(self, without: frozenset[int]) -> Choice:
        """Return the choice that the other folds make."""
        rules, plain = self._rules, self._plain
        if len(rules) == 1 and rules[plain].factors == (1.0,):
            return Choice(plain, self._fitted(plain, without), None, None)
        if len(self.numbers) < 3:
            factor = 1.0 if rules[plain].factors == (1.0,) else 0.5
            return Choice(plain, rules[plain].shrink(self._fitted(plain, without), factor), None, None)
        inside = self._of_rows(self._truth, without)
        trials = {
            (name, factor): self._decided(name, factor, without)
            for name, rule in rules.items()
            for factor in rule.factors
        }
        utilities = {key: self._utility(inside, labels) for key, labels in trials.items()}
        tuned = [key for key in trials if len(rules) == 1 or key[0] != plain]
        best = max(tuned, key=lambda key: utilities[key])
        gain = se = None
        if len(rules) > 1:
            gain = utilities[best] - utilities[plain, 1.0]
            se = clustered.paired_se(
                self._settings.metric,
                inside,
                trials[plain, 1.0],
                trials[best],
                folds=self._of_rows(self._folds, without),
                clusters=self._of_rows(self._clusters, without),
                classes=self._classes,
            )
            best = best if gain > self._settings.min_gain * se else (plain, 1.0)
        name, factor = best
        return Choice(name, rules[name].shrink(self._fitted(name, without), factor), gain, se)

    def decide(self, fold: int, rule: str, params: Params) -> np.ndarray:
        """Return the decisions on a fold's rows."""
        return self._rules[rule].decide(self._parts[rule, fold], params)

    def _decided(self, name: str, factor: float, without: frozenset[int]) -> np.ndarray:
        """Decisions on the rows of each fold looked at, each with what the other ones say."""
        given = {
            fold: self.decide(
                fold, name, self._rules[name].shrink(self._fitted(name, without | {fold}), factor)
            )
            for fold in self.numbers
            if fold not in without
        }
        return self._joined(given, without)

    def _of_rows(self, values: np.ndarray, without: frozenset[int]) -> np.ndarray:
        """Values (N, ...) of the rows looked at, fold by fold."""
        return self._joined({fold: values[self._folds == fold] for fold in self.numbers}, without)

    def _joined(self, parts: dict[int, np.ndarray], without: frozenset[int]) -> np.ndarray:
        return np.concatenate([part for fold, part in parts.items() if fold not in without])

    def _fitted(self, name: str, without: frozenset[int]) -> Params:
        if (name, without) not in self._fits:
            rows = ~np.isin(self._folds, list(without))
            self._fits[name, without] = self._rules[name].fit(self._features[name][rows], self._truth[rows])
        return self._fits[name, without]

    def _utility(self, truth: np.ndarray, labels: np.ndarray) -> float:
        metric = self._settings.metric
        return metrics.utility(metric, metrics.value(metric, truth, labels, None, classes=self._classes))


def shifted(
    proba: np.ndarray, truth: np.ndarray, test: np.ndarray, choice: Choice, settings: Settings
) -> Shift:
    """Return the guarded estimate of the class shares of the rows of ``test`` (M, K); see ``podium.label_shift``."""

    def utility(sample: np.ndarray, labels: np.ndarray) -> float:
        given = apply(sample, choice, settings, "single_label")
        found = metrics.value(settings.metric, labels, given, None, classes=proba.shape[1])
        return metrics.utility(settings.metric, found)

    return label_shift.guarded(proba, truth, test, utility=utility)
