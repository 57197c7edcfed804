"""Every mistake in a config is told at once, one line each, and nothing but ``UserError`` comes out."""

import copy
import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.errors import UserError
from podium.validation import load

GOOD: dict[str, Any] = {
    "competition": "reviews",
    "tasks": {"mood": {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}},
    "text": {"views": {"raw": [], "clean": ["nfkc"]}},
    "augment": {"eda": {"kind": "eda"}},
    "models": {
        "linear": {"kind": "linear", "seeds": [1], "tfidf": {"min_df": 1}},
        "trees": {"kind": "lightgbm", "augment": ["eda"]},
        "bert": {"kind": "transformer", "encoder": "data/bert", "view": "clean"},
    },
    "pseudo": {"voters": ["bert"]},
    "ensemble": {"members": ["linear-s1", "bert-s0"], "blend": {"weights": {"bert-s0": 1}}},
}
GONE = object()


def edited(edits: dict[str, Any]) -> dict[str, Any]:
    """GOOD with the values at some dotted paths replaced, added or removed."""
    raw = copy.deepcopy(GOOD)
    for path, value in edits.items():
        *parents, last = path.split(".")
        node = raw
        for key in parents:
            node = node.setdefault(key, {})
        if value is GONE:
            del node[last]
        else:
            node[last] = value
    return raw


def told(raw: Any) -> list[str]:
    with pytest.raises(UserError) as error:
        load(raw)
    lines = str(error.value).split("\n")
    assert str(error.value).splitlines() == lines
    assert all(line.startswith("config: ") for line in lines)
    return [line.removeprefix("config: ") for line in lines]


def test_good_config_loads() -> None:
    load(edited({"models.trees.sparse": False, "folds.n": 2, "ensemble.submit": "mean"}))
    assert load(GOOD).models["linear"].seeds == [1]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # unknown keys, with the closest name of the block they stand in
        ("sede", 1, "unknown key; did you mean 'seed'?"),
        ("tasks.mood.tpye", "x", "unknown key; did you mean 'type'?"),
        ("tasks.mood.kind", [1], "unknown key; did you mean 'id'?"),
        ("models.bert.dropuot", 0, "unknown key; did you mean 'dropout'?"),
        ("models.trees.num_leafs", 9, "unknown key; did you mean 'num_leaves'?"),
        ("models.linear.tfidf.mindf", 1, "unknown key; did you mean 'min_df'?"),
        ("ensemble.stack.C", 1, "unknown key; did you mean 'c'?"),
        # kinds
        ("models.linear.kind", "linaer", "unknown kind 'linaer'; did you mean 'linear'?"),
        (
            "models.bert.kind",
            GONE,
            "this key is required and missing; valid: linear, lightgbm, fasttext, textcnn, transformer, multitask, "
            "reader, retriever",
        ),
        ("augment.eda.kind", "aed", "unknown kind 'aed'; did you mean 'eda'?"),
        # missing keys, types, limits
        ("competition", GONE, "this key is required and missing"),
        ("models.bert.encoder", GONE, "this key is required and missing"),
        ("noise", "nested", 'this must be a block of keys; found "nested"'),
        ("models", None, "this must be a block of keys; found null"),
        ("tasks.mood.text", "x", "must be a list; write [x]"),
        ("tasks.mood.metric", "acuracy", "found 'acuracy'; did you mean 'accuracy'?"),
        ("folds.n", 1, "input should be greater than or equal to 2; found 1"),
        ("models.linear.c", float("inf"), "input should be a finite number; found Infinity"),
        ("seed", 1.5, "input should be a valid integer, got a number with a fractional part; found 1.5"),
        ("text.views.Ab", [], "the name 'Ab' must be lower-case letters, digits and _, a letter first"),
        # names that other blocks do not have
        ("noise.view", "claen", "there is no text view 'claen'; did you mean 'clean'?"),
        ("models.bert.view", "rwa", "there is no text view 'rwa'; did you mean 'raw'?"),
        ("models.linear.augment", ["ead"], "there is no augmentation 'ead'; did you mean 'eda'?"),
        ("pseudo.voters", ["brt"], "there is no model 'brt'; did you mean 'bert'?"),
        (
            "ensemble.members",
            ["bert-s0", "tree-s0"],
            "there is no member 'tree-s0'; did you mean 'trees-s0'?",
        ),
        (
            "ensemble.vote.weights",
            {"trees-s0": 1},
            "there is no member 'trees-s0'; valid: bert-s0, linear-s1",
        ),
        ("ensemble.blend.weights", {"bert-s0": 0}, "at least one weight must be above 0"),
        # names that are taken, things named twice
        ("augment.pseudo", {"kind": "eda"}, "this name is reserved"),
        ("text.views.train", [], "this name is reserved"),
        ("models.trees.seeds", [0, 1, 0], "0 stands there more than once"),
        ("ensemble.methods", ["mean", "mean"], "mean stands there more than once"),
        # what cannot work
        ("models.bert.revision", "main", "only for names on the Hub, but encoder is the folder data/bert"),
    ],
)
def test_one_mistake_gets_one_line(path: str, value: Any, message: str) -> None:
    assert told(edited({path: value})) == [f"{path}: {message}"]


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ({"ensemble.methods": ["mean", "mena"]}, "ensemble.methods[1]: found 'mena'; did you mean 'mean'?"),
        (
            {"ensemble.methods": ["mean"], "ensemble.submit": "vote"},
            "ensemble.submit: 'vote' is not among ensemble.methods",
        ),
        ({"folds.n": 2}, "ensemble.submit: 'best' needs folds.n of 3 or more, to cross-fit the choice"),
        (
            {"tasks.mood.language": "zh"},
            "augment.eda: eda needs English WordNet, but tasks.mood.language is 'zh'; name a dictionary file in "
            "augment.eda.synonyms",
        ),
        (
            {"models.trees.sparse": False, "models.trees.svd": 0},
            "models.trees: sparse and statistics are false, svd is 0 and encoder is null, so there are no features",
        ),
        (
            {"models.linear.tfidf.word_ngrams": [3, 2]},
            "models.linear.tfidf: n-grams [3, 2] need the shortest first",
        ),
        (
            {"models.linear.tfidf.word_ngrams": None, "models.linear.tfidf.char_ngrams": None},
            "models.linear.tfidf: word_ngrams and char_ngrams are both null, so there are no features",
        ),
    ],
)
def test_keys_that_do_not_go_together(edits: dict[str, Any], line: str) -> None:
    assert told(edited(edits)) == [line]


def test_all_mistakes_are_told_at_once() -> None:
    lines = told(
        edited(
            {
                "sede": 3,
                "models.linear.c": "much",
                "models.bert.encoder": GONE,
                "folds.n": 0,
                "noise.view": "gone",
                "pseudo.voters": ["bart"],
            }
        )
    )
    starts = [
        "folds.n:",
        "models.bert.encoder:",
        "models.linear.c:",
        "noise.view:",
        "pseudo.voters:",
        "sede:",
    ]
    assert [line.split(" ")[0] for line in sorted(lines)] == starts


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("augment.eda", [1]),
        ("models.bert.kind", "brt"),
        ("text.views.clean", 3),
        ("models.linear.seeds", -1),
        ("ensemble.blend.weights", {"bert-s0": -1}),
    ],
)
def test_one_mistake_is_not_told_twice(path: str, value: Any) -> None:
    """A block that had to be left out is not missed by the blocks that name it."""
    assert len(told(edited({path: value}))) == 1


def test_a_layer_can_take_models_and_augmentations_away() -> None:
    raw = edited({"models.trees": None, "augment.eda": None})
    assert list(load(raw).models) == ["linear", "bert"]
    assert told(edited({"models.bert": None}))[0].startswith("pseudo.voters: there is no model 'bert'")
    assert told({**GOOD, "models": {"bert": None}})[0].startswith("models: ")


def test_keys_and_values_that_cannot_be_printed_stay_on_one_line() -> None:
    lines = told(edited({"a\nb\u2028": 1, "noise.max_share": {datetime.date(2020, 1, 1): "x\ny"}}))
    assert lines[0].startswith("noise.max_share: ")
    assert lines[1].startswith("a\\nb\\u2028: unknown key")
    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert told(edited({"seed": loop}))[0].startswith("seed: ")


KEYS = st.sampled_from(
    [
        *("competition", "seed", "tasks", "text", "views", "folds", "noise", "augment", "models", "pseudo"),
        *(
            "ensemble",
            "blend",
            "weights",
            "kind",
            "mood",
            "linear",
            "lightgbm",
            "tfidf",
            "train",
            "n",
            "[key]",
        ),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.sampled_from(["linear", "lightgbm", "transformer", "eda", "raw", "mean", "best"])
)
ANY_KEY = KEYS | st.text(max_size=4) | st.integers() | st.none() | st.tuples(st.integers()) | st.dates()
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_KEY, inner, max_size=4),
    max_leaves=12,
)
PATHS = [
    *("competition", "seed", "tasks", "tasks.mood", "tasks.mood.text", "tasks.mood.kind", "tasks.mood.x"),
    *("text.views", "text.views.raw", "folds", "noise.view", "augment", "augment.eda", "augment.eda.kind"),
    *("models", "models.linear", "models.linear.kind", "models.linear.seeds", "models.linear.linear"),
    *("models.linear.tfidf", "models.linear.tfidf.word_ngrams", "models.bert.encoder", "models.bert.rounds"),
    *("pseudo.voters", "ensemble.members", "ensemble.blend", "ensemble.blend.weights", "ensemble.submit"),
]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(PATHS), JUNK, min_size=1, max_size=3) | JUNK)
def test_junk_raises_nothing_but_user_errors(edits: Any) -> None:
    """Junk as the whole file, and junk in a few places of a good one."""
    raw = edits
    if isinstance(edits, dict) and edits and set(edits) <= set(PATHS):
        ordered = dict(sorted(edits.items(), reverse=True))  # inner paths first, then what holds them
        raw = edited(ordered)
    told_of = ""
    try:
        load(raw)
    except UserError as error:
        told_of = str(error)
    assert all(line.startswith("config: ") for line in told_of.splitlines())
