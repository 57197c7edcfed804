"""When a cross-validated score is not to be trusted: one sentence each, with its figures and what to do."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Warned = dict[str, str]
"""``about``: what a warning is about, one word; ``sentence``."""

_NAMED = 3
_SAME_WEIGHT = ("macro_", "balanced_accuracy", "roc_auc", "average_precision", "mcrmse")


def part_warnings(facts: dict[str, Any], *, level: float, auc: float, overlap: float) -> Iterator[Warned]:
    """Yield what the comparison of the parts warns of; ``facts`` are those of ``podium.adversarial.compare``."""
    yield from _separated(facts, level=level, bar=auc)
    yield from _ungrouped(facts, bar=overlap)
    found = facts["overlap"]
    if found["share"] >= overlap:
        rows = found["equal"]["rows"] + found["near"]["rows"]
        whole = facts["compared"]["test"] == facts["rows"]["test"]
        counted = f"{rows} of {facts['rows']['test']}" if whole else "estimated on a sample"
        yield _warning(
            "overlap",
            f"{found['share']:.0%} of the test rows ({counted}; {found['equal']['share']:.0%} word for word) have a "
            f"twin among the training rows, and CV keeps twins in one fold: it speaks for the other "
            f"{1 - found['share']:.0%}, and the leaderboard will be easier than that; overlap.parquet has each test "
            "row's twins with their labels",
        )


def _separated(facts: dict[str, Any], *, level: float, bar: float) -> Iterator[Warned]:
    """Yield the warning that train and test are told apart, by the classifier that does it best."""
    found = facts["classifiers"] or {}
    sure = {name: given for name, given in found.items() if given["p"] <= level / len(found)}
    if not sure:
        return
    best = max(sure, key=lambda name: sure[name]["auc"])
    if sure[best]["auc"] <= bar:
        return
    shares = best == "words"
    named = [_giveaway(entry, shares=shares) for entry in facts["giveaways"][best][:_NAMED]]
    yield _warning(
        "shift",
        f"test rows are told from training rows by their {best} with an AUC of {sure[best]['auc']:.3f} +- "
        f"{sure[best]['se']:.3f} (chance: 0.5; {', '.join(named)}), so CV may not hold for them: read features.csv, "
        "remove in a text view what has nothing to do with the labels, and compare shifted_cv.json",
    )


def _ungrouped(facts: dict[str, Any], *, bar: float) -> Iterator[Warned]:
    """Yield the warning that pairs share a text inside train, and hardly any test row shares it."""
    for name, shares in ({} if facts["grouped"] else facts["shared_segments"] or {}).items():
        if shares["train"] < bar or shares["test"] > shares["train"] / 3:
            continue
        yield _warning(
            "groups",
            f"{shares['train']:.0%} of the training rows share their {name} with another one, and "
            f"{shares['test']:.0%} of the test rows share it with one: folds that part them make CV too good; name the "
            "column, or one with its number, in tasks.*.group",
        )


def _giveaway(entry: dict[str, Any], *, shares: bool) -> str:
    form = ".1%" if shares else ".3g"
    return f"{entry['feature']!r} {entry['train']:{form}} in train, {entry['test']:{form}} in test"


def share_warning(
    shares: dict[str, Any] | None, facts: dict[str, Any], *, level: float, bar: float
) -> Iterator[Warned]:
    """Yield the warning of other class shares in test; ``shares`` are those of ``shifted.class_shares``.

    Where the texts differ, too, the mean probabilities must have moved by ``bar`` themselves: what the texts move
    comes out of the estimate several times as large where classes are hard to tell apart.
    """
    if shares is None or shares["p"] is None or shares["distance"] < bar or shares["p"] > level:
        return
    if texts_differ(facts) and shares["moved"] < bar:
        return
    train, test = shares["train"], shares["test"]
    moved = sorted(train, key=lambda label: -abs(test[label] - train[label]))[:_NAMED]
    named = ", ".join(f"'{label}' {train[label]:.1%} to {test[label]:.1%}" for label in moved)
    yield _warning(
        "classes",
        f"the classes of the test rows have other shares than in train (roughly: {named}; p {shares['p']:.2g}), so "
        "CV weighs the classes wrongly: decision.method: prior corrects for it where its guard allows it",
    )


def fold_spread(values: Sequence[float], sizes: Sequence[int], se: float) -> dict[str, float]:
    """Test whether the scores (K) of folds of ``sizes`` (K) rows differ more than the sampling of their rows explains.

    ``se`` is the standard error of the score of all rows; that of a fold is larger by the root of the rows' ratio. The
    sum of the squared differences from the mean, in these errors, has a chi-square distribution with K - 1 degrees of
    freedom where all folds are alike (Cochran, Biometrics 10, 1954). Returns ``chi2``, ``degrees``, ``p``.
    """
    from scipy.special import chdtrc

    scores, rows = np.asarray(values, dtype=float), np.asarray(sizes, dtype=float)
    degrees = len(scores) - 1
    if se <= 0 or degrees < 1:
        return {"chi2": 0.0, "degrees": degrees, "p": 1.0}
    mean = np.average(scores, weights=rows)
    chi2 = float((rows * (scores - mean) ** 2).sum() / (rows.sum() * se**2))
    return {"chi2": chi2, "degrees": degrees, "p": float(chdtrc(degrees, chi2))}


def spread_warning(spread: dict[str, float], values: Sequence[float], *, level: float) -> Iterator[Warned]:
    """Yield the warning that folds differ; ``spread`` is that of ``fold_spread``."""
    if spread["p"] > level:
        return
    yield _warning(
        "folds",
        f"the folds' scores, {min(values):.4f} to {max(values):.4f}, differ more than the sampling of their rows "
        f"explains (chi-square {spread['chi2']:.1f} on {spread['degrees']:.0f} degrees of freedom, p "
        f"{spread['p']:.2g}): the error beside the score is too small; look for groups of rows (tasks.*.group) "
        "and for a fold whose training failed",
    )


def size_warnings(
    classes: dict[str, int], folds: Sequence[int], *, metric: str, class_rows: int, fold_rows: int
) -> Iterator[Warned]:
    """Yield warnings of few rows in a class (rows by class, where the metric counts classes alike) or in a fold.

    Classes of a single row are left to the profile of the rows, which names them.
    """
    few = {label: rows for label, rows in classes.items() if 1 < rows < class_rows}
    if few and metric.startswith(_SAME_WEIGHT):
        named = ", ".join(
            f"'{label}' {few[label]}" for label in sorted(few, key=lambda one: few[one])[:_NAMED]
        )
        yield _warning(
            "rows",
            f"{metric} counts every class alike, and {len(few)} of {len(classes)} have fewer than {class_rows} "
            f"training rows ({named}): what CV says of them rests on very few rows; add rows from other files",
        )
    if min(folds) < fold_rows:
        yield _warning(
            "rows",
            f"the smallest fold has {min(folds)} rows: a fold's score says little, and CV not much more than its "
            "standard error allows; compare models by differences on the same rows",
        )


def setting_warnings(settings: dict[str, Any], facts: dict[str, Any]) -> Iterator[Warned]:
    """Yield warnings of settings that make the score optimistic.

    ``settings`` has ``cleaned``, models that act on verdicts of the plain noise mode, and ``near_duplicates`` of the
    folds; ``facts`` are those of ``podium.adversarial.compare``.
    """
    if settings["cleaned"]:
        yield _warning(
            "settings",
            f"noise.mode is plain, and {', '.join(settings['cleaned'])} act on its verdicts, which models made that "
            "saw the labels of the fold: their CV is too good; set noise.mode: nested",
        )
    near, rows = facts["overlap"]["inside_train"]["near"], facts["compared"]["train"]
    if settings["near_duplicates"] is None and near:
        yield _warning(
            "settings",
            f"folds.near_duplicates is null, and {near} of {rows} training rows repeat another one nearly or wholly: a "
            "twin in another fold makes CV too good; set folds.near_duplicates: 0.8",
        )


def texts_differ(facts: dict[str, Any]) -> bool:
    """Whether the comparison of the parts warned that they are told apart."""
    return any(entry["about"] == "shift" for entry in facts["warnings"])


def shifted_warning(
    shifted: dict[str, Any], facts: dict[str, Any], *, better: bool, classes: bool
) -> Iterator[Warned]:
    """Yield the warning that the score is lower where training rows are like the test rows.

    Only beside the warning that the parts differ, and where the loss is twice its error; ``better`` says whether a
    greater score is, ``classes`` whether there is a warning of the classes' shares, too: weights by the texts hold
    while a text's label is what it was, which other shares change.
    """
    if shifted["value"] is None or not texts_differ(facts):
        return
    loss = -shifted["difference"] if better else shifted["difference"]
    if loss <= 2 * shifted["difference_se"]:
        return
    yield _warning(
        "shifted_cv",
        f"weighted to look like the test rows, the training rows score {shifted['value']:.4f} +- {shifted['se']:.4f} "
        f"instead of {shifted['unweighted']:.4f} ({shifted['effective_rows']:.0f} of {shifted['rows']} rows' worth): "
        + (
            "so it would be were the texts all that changed, but the classes' shares did, too: the leaderboard may lie "
            "on either side of the CV"
            if classes
            else "expect that on the leaderboard, not the CV"
        ),
    )


def _warning(about: str, sentence: str) -> Warned:
    return {"about": about, "sentence": sentence}
