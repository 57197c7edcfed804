"""Other files' rows among the folds: against every pair compared by hand, and as the training table takes them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium import duplicates, external, models
from podium.duplicates import canonical, resembling
from podium.external import barred, place
from podium.files import read_json, read_table, write_json, write_table
from podium.lineage import training_table
from podium.models.tfidf import Tfidf
from podium.tokens import IDS
from scripts import place_external as script
from scripts import predict_unlabelled

WORDS = [f"w{number}" for number in range(60)]


def texts_of(rng: np.random.Generator, size: int, seeds: list[str]) -> list[str]:
    """Texts of a few words, most of them copies of ``seeds`` with words, case, punctuation or links changed."""
    texts = []
    for _ in range(size):
        if rng.random() < 0.2:
            words = [str(rng.choice(WORDS)) for _ in range(rng.integers(0, 30))]
        else:
            words = str(rng.choice(np.array(seeds, dtype=object))).split()
        for _ in range(rng.integers(0, 3)):
            if words:
                words[rng.integers(len(words))] = str(rng.choice(WORDS))
        text = " ".join(words)
        if rng.random() < 0.3:
            text = text.upper().replace(" ", "  ", 1)
        if rng.random() < 0.3:
            text = f"{text}! https://t.co/{rng.integers(9)}"
        texts.append(text)
    return texts


def shingles(text: str) -> set[tuple[str, ...]]:
    words = "".join(char if char.isalnum() or char == "_" else " " for char in text).split()
    if len(words) < 3:
        return {tuple(words)} if words else set()
    return {tuple(words[start : start + 3]) for start in range(len(words) - 2)}


def alike(one: tuple[str, ...], other: tuple[str, ...], threshold: float | None) -> bool:
    """Whether two rows of segments resemble each other."""
    for form in (lambda text: " ".join(text.casefold().split()), canonical):
        left, right = ("\0".join(map(form, row)) for row in (one, other))
        if left == right:
            return True
        first, second = shingles(left), shingles(right)
        if threshold is not None and first and len(first & second) >= threshold * len(first | second):
            return True
    return False


def rows_of(*segments: list[str], prefix: str) -> pd.DataFrame:
    table = {"id": [f"{prefix}{row}" for row in range(len(segments[0]))]}
    return pd.DataFrame({**table, **dict(zip(("text_a", "text_b"), segments, strict=False))}, dtype="str")


@pytest.mark.parametrize("threshold", [0.4, 0.8, 1.0, None])
@pytest.mark.parametrize("pair", [False, True])
def test_the_same_as_comparing_every_pair(threshold: float | None, pair: bool) -> None:
    rng = np.random.default_rng(int(100 * (threshold or 0)) + pair)
    seeds = texts_of(rng, 40, [" ".join(WORDS[:12])])
    width = 2 if pair else 1
    parts = {name: [texts_of(rng, 90, seeds) for _ in range(width)] for name in ("e", "r", "t")}
    if pair:  # most pairs differ in one segment only
        for number, name in enumerate("ert"):
            parts[name][1][:70] = [["Same words here", "same  words here!", "Same words HERE"][number]] * 70
        parts["e"][0][:5] = parts["r"][0][:5]
    tables = {name: rows_of(*segments, prefix=name) for name, segments in parts.items()}
    folds = rng.integers(0, 4, size=90)
    rows = tables["e"].assign(target=rng.choice(["x", "y"], size=90))
    found, counts = place(rows, tables["r"], tables["t"], folds, near_duplicates=threshold, seed=5)

    mine, train, test = (list(zip(*parts[name], strict=True)) for name in ("e", "r", "t"))
    first = [row for row in range(90) if (mine[row], rows["target"][row]) not in
             [(mine[other], rows["target"][other]) for other in range(row)]]  # fmt: skip
    kept = [row for row in first if not any(alike(mine[row], other, threshold) for other in test)]
    twins = [
        sorted({int(folds[k]) for k in range(90) if alike(mine[row], train[k], threshold)}) for row in kept
    ]
    assert found["id"].tolist() == [f"e{row}" for row in kept]
    assert found["target"].tolist() == [rows["target"][row] for row in kept]
    assert [list(one) for one in found["twins"]] == twins
    equal = sum(any(alike(mine[row], other, None) for other in test) for row in first)
    assert counts == {
        "rows": 90,
        "repeated": 90 - len(first),
        "equal_to_test": equal,
        "near_test": len(first) - len(kept) - equal,
        "twins": {str(fold): sum(fold in one for one in twins) for fold in range(4)},
        "kept": len(kept),
    }
    assert 0 < len(kept) < len(first)
    assert any(twins)
    assert not all(twins)


def test_texts_that_are_all_alike_cost_a_few_comparisons_each(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{number}" for number in range(200)]
    others = [" ".join([*words[:number], "x", *words[number + 1 :]]) for number in range(200)] * 2
    texts = [" ".join([*words[:number], "y", *words[number + 1 :]]) for number in range(200)] * 3
    group = np.repeat([0, 2], 200)
    compared = []
    jaccard = duplicates._jaccard

    def counting(shingles, left, right):
        compared.append(len(left))
        return jaccard(shingles, left, right)

    monkeypatch.setattr(duplicates, "_jaccard", counting)
    found = resembling(texts, others, group, groups=3, threshold=0.9, seed=0)
    assert found.tolist() == [[True, False, True]] * 600
    assert sum(compared) <= 200 * 16 * 2  # each pair of a text and a group once, since all are near


def changed(words: list[str], places: list[int]) -> str:
    return " ".join(f"{word}x" if place in places else word for place, word in enumerate(words))


def test_a_text_is_found_among_others_that_are_nearly_near() -> None:
    texts, others = [], []
    for number in range(60):
        words = [f"{number}w{place}" for place in range(200)]
        texts.append(" ".join(words))
        decoys = [changed(words, [start, start + 50, start + 100, start + 150]) for start in range(10, 25)]
        others += [*decoys, changed(words, [100])]
    found = resembling(texts, others, np.zeros(960, dtype=int), groups=1, threshold=0.95, seed=0)
    assert found.all()
    far = [other for number, other in enumerate(others) if number % 16 < 15]
    assert not resembling(texts, far, np.zeros(900, dtype=int), groups=1, threshold=0.95, seed=0).any()


def test_chinese_texts_are_compared_by_characters() -> None:
    others = ["今天天气很好我们去公园散步吧朋友们", "完全不同的一句话在这里出现了啊"]
    found = resembling(
        ["今天天气很好,我们去公园散步吧朋友们!", "没有关系的另外一个句子"],
        others,
        np.array([0, 1]),
        groups=2,
        threshold=0.6,
        seed=0,
    )
    assert found.tolist() == [[True, False], [False, False]]


def test_nothing_to_compare_with() -> None:
    rows = rows_of(["", "a b c", "!!"], prefix="e")
    found, counts = place(
        rows,
        rows_of(["?"], prefix="r"),
        rows_of(["d"], prefix="t"),
        np.array([1]),
        near_duplicates=0.8,
        seed=0,
    )
    assert [list(one) for one in found["twins"]] == [[1], [], [1]]  # no words are equal to no words
    assert counts["twins"] == {"0": 0, "1": 2}
    others = rows_of(["?"], prefix="r"), rows_of(["d"], prefix="t"), np.array([0])
    nothing, counts = place(rows.iloc[:0], *others, near_duplicates=0.8, seed=0)
    assert len(nothing) == counts["kept"] == 0


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    train = rows_of(["the cat sat on the mat", "a dog ran away", "birds sing"], prefix="")
    test = rows_of(["fish swim in the sea"], prefix="")
    more = rows_of(["Fish swim in the sea!", "the cat sat on the MAT", "birds sing", "new words"], prefix="")
    tables = {
        "train": train.assign(target=["x", "y", "x"]),
        "test": test,
        "rows": more.assign(target=["x", "y", "y", "x"]),
        "folds": train[["id"]].assign(fold=[1, 0, 0], cluster=[0, 1, 2]).iloc[::-1],
    }
    for name, table in tables.items():
        write_table(table, tmp_path / name)
    write_json({"rows": 6, "dropped_labels": {"spam": 2}}, tmp_path / "counts")
    return {name: tmp_path / name for name in (*tables, "counts", "out", "report")}


def test_the_training_table_leaves_twins_out(files: dict[str, Path]) -> None:
    script.main(**files, near_duplicates=0.8, seed=0, weight=0.5)
    table = read_table(files["out"])
    assert table.columns.tolist() == ["id", "target", "weight", "twins"]
    assert table["weight"].tolist() == [0.5] * 3
    assert pd.read_parquet(files["out"])["twins"].map(list).tolist() == [[1], [0], []]
    assert read_json(files["report"]) == {
        "rows": 6,
        "repeated": 0,
        "equal_to_test": 1,
        "near_test": 0,
        "twins": {"0": 1, "1": 1},
        "kept": 3,
        "dropped_labels": {"spam": 2},
    }
    train, folds = read_table(files["train"]), read_table(files["folds"])
    for fold, expected in ((0, ["1", "3"]), (1, ["2", "3"])):
        found = training_table(train, folds, fold, external={"more": table})
        assert found.loc[found["part"] == "more", "id"].tolist() == expected
        assert barred(table, fold).tolist() == [(name not in expected) for name in table["id"]]


def test_unlabelled_rows_have_twins_only_and_no_labels_are_read(files: dict[str, Path]) -> None:
    write_table(read_table(files["rows"]).drop(columns="target"), files["rows"])
    paths = {name: path for name, path in files.items() if name != "counts"}
    script.main(**paths, near_duplicates=None, seed=0, weight=None)
    assert read_table(files["out"]).columns.tolist() == ["id", "twins"]
    assert json.loads(files["report"].read_text())["rows"] == 4
    before = files["out"].read_bytes()
    write_table(read_table(files["train"]).assign(target="x"), files["train"])
    script.main(**paths, near_duplicates=None, seed=0, weight=None)
    assert files["out"].read_bytes() == before


def test_a_list_without_any_twin_reads_back(files: dict[str, Path]) -> None:
    write_table(read_table(files["rows"]).tail(1), files["rows"])
    script.main(**files, near_duplicates=0.8, seed=0, weight=1.0)
    table = read_table(files["out"])
    assert [list(one) for one in table["twins"]] == [[]]
    found = training_table(
        read_table(files["train"]), read_table(files["folds"]), 0, external={"more": table}
    )
    assert found["made_by"].tolist() == ["train", "more"]


class ByLength:
    """A model that knows the number of tokens, and its own fold."""

    def __init__(self, fold: int) -> None:
        self.fold = fold

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        first = rows["tokens_a"].map(len).to_numpy() / 10 + self.fold / 100
        return np.column_stack([first, 1 - first])


def predictions(texts: Path, placed: Path) -> pd.DataFrame:
    """What two fold models say of the ``placed`` rows, by the script."""
    labels, out = texts.with_name("labels"), texts.with_name("out")
    write_json(["x", "y"], labels)
    predict_unlabelled.main(
        fold_models=[Path("0"), Path("1")],
        texts=texts,
        placed=placed,
        labels=labels,
        out=out,
        kind="linear",
        type="single_label",
        threads=1,
    )
    return read_table(out)


def test_the_fold_models_predict_the_placed_rows_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "load", lambda kind, folder, **_: ByLength(int(folder.name)))
    ids = pd.Series([f"{number}" for number in range(9)], dtype="str")
    tokens = pd.Series([[1] * number for number in range(9)], dtype=pd.ArrowDtype(IDS))
    texts, placed = tmp_path / "texts", tmp_path / "placed"
    write_table(pd.DataFrame({"id": ids, "tokens_a": tokens}), texts)
    external.write(pd.DataFrame({"id": ["7", "2", "5"], "twins": [[], [0], [1]]}), placed)
    found = predictions(texts, placed)
    assert found["id"].tolist() == ["7", "2", "5"] * 2
    assert found["fold"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found["p:x"].tolist() == pytest.approx([0.7, 0.2, 0.5, 0.71, 0.21, 0.51])


def test_a_file_of_which_nothing_is_kept_has_no_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its rows were test rows, say; features of no rows are an error of scikit-learn."""
    features = Tfidf({"word_ngrams": [1, 1], "char_ngrams": None, "min_df": 1, "max_features": 9})
    features.fit(pd.DataFrame({"text_a": ["a b", "b c"]}, dtype="str"))

    class Model:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return features.transform(rows).toarray()[:, :2]

    monkeypatch.setattr(models, "load", lambda *_, **__: Model())
    texts, placed = tmp_path / "texts", tmp_path / "placed"
    rows = pd.DataFrame({"id": ["1"], "text_a": ["a b"]}, dtype="str")
    write_table(rows, texts)
    kept, _ = place(rows, rows, rows, np.array([0]), near_duplicates=0.8, seed=0)
    external.write(kept, placed)
    found = predictions(texts, placed)
    assert found.columns.tolist() == ["id", "fold", "p:x", "p:y"]
    assert found.empty
    assert [str(dtype) for dtype in found.dtypes] == ["str", "int64", "float32", "float32"]


def test_rows_of_other_tasks_bar_a_row_from_their_fold() -> None:
    """Whole against whole and segment against segment, raw or canonical; an empty segment resembles nothing."""
    rows = pd.DataFrame(
        {"id": list("abcd"), "text_a": ["One two three", "four", "", "far off"], "target": "x"}
    )
    own = pd.DataFrame({"text_a": ["something else"]})
    pairs = pd.DataFrame({"text_a": ["zero", "FOUR!", ""], "text_b": ["one  two three", "nine", "ten"]})
    settings = {"near_duplicates": 0.8, "seed": 0}
    kept, _ = place(rows, own, own, np.array([0]), **settings)
    assert kept["twins"].map(len).tolist() == [0, 0, 0, 0]
    folds = np.array([0, 1, 2, 2, 1])
    train = pd.DataFrame({"text_a": [f"something else {number}" for number in range(5)]})
    kept, counts = place(rows, train, own, folds, **settings, beside=[(pairs, np.array([2, 0, 1]))])
    assert kept["twins"].map(list).tolist() == [[2], [0], [], []]
    assert counts["twins"] == {"0": 1, "1": 0, "2": 1}
    both = rows.assign(text_b=["zero", "", "x", "far off"])[["id", "text_a", "text_b", "target"]]
    kept, _ = place(
        both,
        train.assign(text_b="y"),
        own.assign(text_b="y"),
        folds,
        **settings,
        beside=[(rows, np.arange(4) % 3)],
    )
    assert kept["twins"].map(list).tolist() == [[0], [1], [], [0]]
