"""A whole pretraining: it learns, it is taken up again bit for bit, what it leaves can be fine-tuned."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from model_samples import make as make_model
from model_samples import saved_bytes
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from podium.augment import Resources, mlm
from podium.config.pretrain import Pretraining, Scratch
from podium.engine import checkpoint as checkpoints
from podium.errors import UserError
from podium.plan_pretrain import READ
from podium.pretrain import loop, ppmi, scratch, vocabulary
from podium.pretrain import run as pretraining_run
from podium.pretrain.options import Settings
from podium.pretrain.run import Result, pretrain
from podium.report_pretrain import hardly_learned

SMALL: dict[str, Any] = {
    "hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "positions": 32, "min_count": 1
}  # fmt: skip


def numbers(count: int = 120, seed: int = 0) -> pd.DataFrame:
    """Texts of numbers in which each word tells the next: there is something to learn."""
    random = np.random.default_rng(seed)
    starts, sizes = random.integers(0, 20, count), random.integers(4, 15, count)
    texts = [
        " ".join(str(100 + (start + 3 * place) % 20) for place in range(size))
        for start, size in zip(starts, sizes, strict=True)
    ]
    return pd.DataFrame({"text": texts, "row": range(count)})


def settings(**changes: Any) -> Settings:
    small = {
        "max_length": 24,
        "batch_tokens": 128,
        "learning_rate": 5e-3,
        "precision": "fp32",
        "held_out": 0.1,
    }
    block = Pretraining(scratch=Scratch(**SMALL), **{**small, **changes})
    return Settings(**block.model_dump(exclude=READ | {"threads"}))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new(tmp_path_factory.mktemp("start"))


def new(folder: Path, texts: pd.DataFrame | None = None, seed: int = 0, **changes: Any) -> Path:
    block = Scratch(**{**SMALL, **changes})
    given = numbers() if texts is None else texts
    file = Path(block.vectors) if block.vectors else None
    scratch.make(given, block.model_dump(exclude={"vectors"}), folder, seed=seed, file=file)
    return folder


def run(
    source: Path,
    target: Path,
    folder: Path | None = None,
    seed: int = 0,
    texts: pd.DataFrame | None = None,
    **changes: Any,
) -> Result:
    return pretrain(
        *(numbers() if texts is None else texts, source, target, settings(**changes)),
        **{"language": "en", "seed": seed, "device": "cpu", "threads": 1, "scratch": folder},
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objective": "rtd", "detection_weight": 5.0, "generator": 0.5},
        {"pack": False, "masking": "ngram", "schedule": "cosine", "accumulate": 2},
    ],
    ids=["mlm", "rtd", "rows"],
)
def test_a_killed_run_is_taken_up_bit_for_bit(
    changes: dict[str, Any], start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed within an epoch, and right after the first step, with a checkpoint at each step."""
    monkeypatch.setattr(checkpoints, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints.Checkpoint.__init__, "__defaults__", (0.0,))
    whole = run(start, tmp_path / "whole", epochs=2, evaluations=3, **changes)
    step = loop.Run._step
    for stop in (1, whole.facts["steps"] - 4):

        def killed(self: loop.Run, *given: Any, stop: int = stop) -> Any:
            if len(self.curve) == stop:
                raise KeyboardInterrupt
            return step(self, *given)

        monkeypatch.setattr(loop.Run, "_step", killed)
        with pytest.raises(KeyboardInterrupt):
            run(start, tmp_path / f"to{stop}", tmp_path / f"kept{stop}", epochs=2, evaluations=3, **changes)
        assert (tmp_path / f"kept{stop}").is_dir()
        resumed = []

        def watched(self: loop.Run, *given: Any, resumed: list[int] = resumed) -> Any:
            resumed.append(len(self.curve))
            return step(self, *given)

        monkeypatch.setattr(loop.Run, "_step", watched)
        again = run(
            start, tmp_path / f"to{stop}", tmp_path / f"kept{stop}", epochs=2, evaluations=3, **changes
        )
        monkeypatch.setattr(loop.Run, "_step", step)
        assert resumed[0] == stop
        assert saved_bytes(tmp_path / f"to{stop}") == saved_bytes(tmp_path / "whole")
        pd.testing.assert_frame_equal(again.curve, whole.curve)
        assert again.facts == whole.facts
        assert (tmp_path / f"kept{stop}").is_dir()  # whoever writes the facts removes it


@pytest.mark.parametrize("objective", ["mlm", "rtd"])
def test_memory_that_runs_out_changes_the_parts_and_not_the_training(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    """Masks go with the batch, in training and on held-out texts; what a generator draws goes with the part."""
    changes: dict[str, Any] = {"dropout": 0.0, "attention_dropout": 0.0, "steps": 8, "evaluations": 2}
    if objective == "rtd":
        changes |= {"objective": "rtd", "detection_weight": 5.0, "generator": 0.5}
    whole = run(start, tmp_path / "whole", **changes)
    assert "memory_ran_out" not in whole.facts
    parts, rows = loop._parts, []

    def limited(batch: Any, masked: Any, count: int, device: Any) -> Any:
        for part in parts(batch, masked, count, device):
            if part.ids.numel() > 60:
                raise MemoryError
            rows.append(len(part.ids))
            yield part

    monkeypatch.setattr(loop, "_parts", limited)
    short = run(start, tmp_path / "short", **changes)
    assert short.facts["memory_ran_out"][-1]["tokens_at_once"] <= 60
    assert max(rows) <= 2
    for name in ("held_out_loss", "accuracy"):
        np.testing.assert_allclose(short.curve[name], whole.curve[name], rtol=1e-3)


def test_perplexity_falls_and_the_result_opens_as_any_encoder(start: Path, tmp_path: Path) -> None:
    """Each text has four words of its own group: who looks at the neighbours knows which."""
    random = np.random.default_rng(1)
    drawn = random.integers(0, 4, (400, 14)) + 4 * random.integers(0, 5, (400, 1))
    texts = pd.DataFrame({"text": [" ".join(map(str, row)) for row in 100 + drawn], "row": range(400)})
    result = run(
        start, tmp_path / "encoder", texts=texts, steps=120, pack=False, dropout=0.0, batch_tokens=512
    )
    curve = result.curve
    assert curve["step"].tolist() == list(range(0, 121, 12))
    assert curve["perplexity"].iloc[0] > 15  # of 20 words
    assert curve["perplexity"].iloc[-1] < 8  # of 4
    assert result.facts["last"]["perplexity"] == curve["perplexity"].iloc[-1]
    assert result.facts["frequencies"] == pytest.approx(20, rel=0.1)  # each of the words is as frequent
    assert not hardly_learned(result.facts)
    few = run(start, tmp_path / "few", texts=texts, steps=2, pack=False, batch_tokens=512)
    assert hardly_learned(few.facts)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "encoder")
    text = numbers()["text"][0]
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == f"[CLS] {text} [SEP]"
    filled = tokenizer("104 107 [MASK] 105 106 107 104", return_tensors="pt")
    model, info = AutoModelForMaskedLM.from_pretrained(tmp_path / "encoder", output_loading_info=True)
    assert not info["missing_keys"]
    guess = tokenizer.convert_ids_to_tokens(int(model.eval()(**filled).logits[0, 3].argmax()))
    assert guess in ("104", "105", "106", "107")
    rows = pd.DataFrame({"id": ["1", "2", "3", "4"], "text_a": numbers()["text"][:4]}, dtype="str")
    classifier = make_model("transformer", 2, encoder=str(tmp_path / "encoder"), max_length=24)
    classifier.fit(rows, np.array([0, 1, 0, 1]), np.ones(4))
    assert classifier.predict(rows).shape == (4, 2)


def test_what_was_pretrained_puts_words_of_the_same_kind_for_words(tmp_path: Path) -> None:
    """Each text has words of one group of four: a drawn word is of the group, and never the word itself."""
    random = np.random.default_rng(1)
    drawn = random.integers(0, 4, (400, 14)) + 4 * random.integers(0, 5, (400, 1))
    names = np.array([f"{first}{second}" for first in "bdgkm" for second in ("ap", "el", "iv", "os")])
    texts = pd.DataFrame({"text": [" ".join(names[row]) for row in drawn], "row": range(400)})
    source = new(tmp_path / "start", texts)
    run(source, tmp_path / "encoder", texts=texts, steps=300, pack=False, dropout=0.0, batch_tokens=512)
    rows = pd.DataFrame({"id": [f"{k}" for k in range(60)], "text_a": texts["text"][:60]}, dtype="str")
    resources = Resources(language="en", wordnet=None, device="cpu", cache=tmp_path / "cache")
    made = mlm.run(
        *(rows,),
        **{"method": "masked", "seed": 0, "copies": 1, "draws": 1, "segments": "either", "rate": 0.15},
        **{"encoder": str(tmp_path / "encoder"), "top_k": 3, "temperature": 1.0, "max_length": 24},
        **{"batch_tokens": 512, "resources": resources},
    )
    assert len(made) == 60
    source_of = rows.set_index("id")["text_a"]
    changes = [
        (old, word)
        for row, text in zip(made["source_id"], made["text_a"], strict=True)
        for old, word in zip(source_of[row].split(), text.split(), strict=True)
        if old != word
    ]
    assert len(changes) == 120  # int(0.15 * 14) of each
    assert np.mean([old[0] == word[0] for old, word in changes]) > 0.95


def test_a_text_of_many_rows_is_read_once(start: Path, tmp_path: Path) -> None:
    """Questions on one context, hypotheses of one premise: no text weighs more for being asked about often."""
    each = numbers(60).drop_duplicates("text", ignore_index=True)
    again = pd.concat([each, each[::2]], ignore_index=True)
    once, repeated, rows = (
        run(start, tmp_path / name, texts=texts, steps=6, held_out=0.0, pack=pack)
        for name, texts, pack in (("once", each, True), ("again", again, True), ("rows", again, False))
    )
    assert once.facts == repeated.facts
    assert saved_bytes(tmp_path / "once") == saved_bytes(tmp_path / "again")
    assert (once.facts["texts"], rows.facts["texts"]) == (len(each), len(again))


def test_no_text_that_is_read_is_held_out_too(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each context has questions that are held out and others that are not: it is itself on one side."""
    contexts, questions = numbers(40, seed=3)["text"], numbers(160, seed=4)["text"]
    texts = pd.DataFrame({"text": [*questions, *np.tile(contexts, 4)], "row": [*range(160), *range(160)]})
    seen: list[list[list[int]]] = []
    blocks = pretraining_run._sequences

    def noted(corpus: Any, *given: Any) -> Any:
        parts = zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)
        seen.append([corpus.ids[first:last].tolist() for first, last in parts])
        return blocks(corpus, *given)

    monkeypatch.setattr(pretraining_run, "_sequences", noted)
    run(start, tmp_path / "encoder", texts=texts, steps=1, held_out=0.3)
    held, read = ({tuple(text) for text in part} for part in seen[:2])
    assert min(len(held), len(read)) > 5
    assert not held & read


def test_no_steps_leave_the_network_as_it_was(start: Path, tmp_path: Path) -> None:
    result = run(start, tmp_path / "encoder", steps=0)
    before, after = (
        AutoModel.from_pretrained(folder).state_dict() for folder in (start, tmp_path / "encoder")
    )
    assert all((before[name] == after[name]).all() for name in before if "pooler" not in name)
    assert (result.facts["steps"], len(result.curve)) == (0, 1)
    nothing = run(start, tmp_path / "again", steps=0, held_out=0.0)
    assert nothing.curve.empty
    assert nothing.facts["first"] is None


def test_where_no_held_out_token_is_masked_there_is_no_perplexity(tmp_path: Path) -> None:
    """One text of three words: to guess nothing is no perplexity of 1."""
    texts = pd.DataFrame({"text": [f"{3 * n} {3 * n + 1} {3 * n + 2}" for n in range(40)], "row": range(40)})
    new(tmp_path / "start", texts=texts)
    told = []
    for seed in range(24):
        result = run(
            tmp_path / "start", tmp_path / f"s{seed}", texts=texts, steps=0, held_out=0.02, seed=seed
        )
        if result.facts["held_out_texts"]:
            told.append(result.facts["first"])
    assert None in told
    assert [point for point in told if point is not None]
    assert all(point["perplexity"] > 50 for point in told if point is not None)


def test_seeds_make_runs_apart_and_nothing_else_does(start: Path, tmp_path: Path) -> None:
    files = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(start, tmp_path / name, seed=seed, steps=3)
        files[name] = saved_bytes(tmp_path / name)
    assert files["a"] == files["b"]
    assert files["a"]["model.safetensors"] != files["c"]["model.safetensors"]


def test_what_cannot_be_is_told(start: Path, encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="positions"):
        run(start, tmp_path / "a", max_length=64)
    with pytest.raises(UserError, match=r"the loss is (nan|inf) at step"):
        run(start, tmp_path / "b", steps=30, learning_rate=1e30)
    with pytest.raises(UserError, match="no tokenizer"):
        run(tmp_path, tmp_path / "c")
    result = run(encoder, tmp_path / "d", steps=1, masking="token")  # numbers are unknown to this one
    assert result.facts["unknown_tokens"] > 0.9
    assert result.facts["head_was_there"] is False


# ---- new networks


def test_the_vocabulary_is_that_of_the_texts_by_frequency(tmp_path: Path) -> None:
    texts = ["12 7 12 7,9 12", "7 5 12"]
    tokenizer = vocabulary.learn(texts, tokens="words", vocab_size=50, min_count=2)
    assert sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]) == [
        *((token, number) for number, token in enumerate(vocabulary.SPECIAL)), ("12", 5), ("7", 6)
    ]  # fmt: skip
    assert tokenizer.encode("7 12,5").tokens == ["[CLS]", "7", "12", "[UNK]", "[UNK]", "[SEP]"]
    assert tokenizer.encode("7", "12").type_ids == [0, 0, 0, 1, 1]
    vocabulary.save(tokenizer, tmp_path)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    assert opened("7 12")["input_ids"] == [2, 6, 5, 3]
    assert (opened.pad_token_id, opened.unk_token_id, opened.mask_token_id) == (0, 1, 4)
    letters = vocabulary.learn(["中文 a中"], tokens="characters", vocab_size=50, min_count=1)
    assert letters.encode("文a 中").tokens[1:-1] == ["文", "a", "中"]
    assert vocabulary.learn(texts, tokens="words", vocab_size=6, min_count=1).get_vocab_size() == 6
    with pytest.raises(UserError, match="min_count 9"):
        vocabulary.learn(texts, tokens="words", vocab_size=50, min_count=9)


@pytest.mark.parametrize("tokens", ["words", "characters", "subwords"])
def test_the_same_texts_make_the_same_files_and_every_text_comes_back(tokens: str, tmp_path: Path) -> None:
    texts = pd.DataFrame({"text": ["low lower lowest, new newer newest!", "wide wider widest 12 123"] * 30})
    texts["row"] = range(len(texts))
    for name in ("a", "b"):
        new(tmp_path / name, texts, tokens=tokens, vocab_size=60)
    assert saved_bytes(tmp_path / "a") == saved_bytes(tmp_path / "b")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "a")
    for text in texts["text"][:2]:
        pieces = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])[1:-1]
        assert "".join(pieces).replace("\u2581", "") == text.replace(" ", "")
    assert len(tokenizer) <= 60


def test_ppmi_is_what_the_formula_says() -> None:
    """Counted and multiplied by hand on a random corpus; the vectors rebuild the matrix as well as any can."""
    random = np.random.default_rng(0)
    ids, text, size, window = random.integers(0, 12, 300), np.sort(random.integers(0, 30, 300)), 12, 3
    wanted = np.zeros((size, size))
    for i, word in enumerate(ids):
        for j in range(max(0, i - window), min(len(ids), i + window + 1)):
            wanted[word, ids[j]] += i != j and text[i] == text[j]
    count = ppmi.counts(ids, text, size=size, window=window)
    np.testing.assert_array_equal(count.toarray(), wanted)
    margin, total = wanted.sum(axis=1), wanted.sum()
    with np.errstate(divide="ignore"):
        matrix = np.maximum(np.log(wanted * total / np.outer(margin, margin)) - np.log(2), 0)
    np.testing.assert_allclose(ppmi.shifted_ppmi(count, negatives=2.0).toarray(), matrix, atol=1e-12)
    found = ppmi.vectors(ids, text, size=size, dimensions=5, window=window, negatives=2.0, seed=0)
    left, values, _ = np.linalg.svd(matrix)
    np.testing.assert_allclose(found @ found.T, (left[:, :5] * values[:5]) @ left[:, :5].T, atol=1e-5)


def test_first_vectors_of_the_corpus_or_of_a_file(start: Path, tmp_path: Path) -> None:
    def table(folder: Path) -> np.ndarray:
        return AutoModel.from_pretrained(folder).embeddings.word_embeddings.weight.detach().numpy()

    plain, made = table(start), table(new(tmp_path / "ppmi", init="ppmi"))
    assert plain.shape == made.shape == (25, 16)
    assert (plain[:5] == made[:5]).all()  # special tokens
    assert np.isclose(plain[5:].std(), made[5:].std(), rtol=1e-3)
    names = AutoTokenizer.from_pretrained(start).convert_ids_to_tokens(range(5, 25))
    near = [(names.index(str(100 + n)), names.index(str(100 + (n + 3) % 20))) for n in range(20)]
    similar = np.corrcoef(made[5:])
    assert np.mean([similar[pair] for pair in near]) > similar.mean() + 0.1
    single = pd.DataFrame({"text": [str(n % 40) for n in range(80)], "row": range(80)})
    alone = [table(new(tmp_path / f"alone-{init}", texts=single, init=init)) for init in ("random", "ppmi")]
    assert (alone[0] == alone[1]).all()  # no word has a neighbour
    few = pd.DataFrame({"text": [*single["text"], "3 4 5"], "row": range(81)})
    assert np.isfinite(table(new(tmp_path / "few", texts=few, init="ppmi"))).all()
    file = tmp_path / "vectors.txt"
    rows = (("100", ["1", "-1"]), ("101", ["3", "2"]))
    file.write_text("".join(f"{word} {' '.join(values * 8)}\n" for word, values in rows))
    given = table(new(tmp_path / "file", init="vectors", vectors=str(file)))
    changed = np.flatnonzero((given != plain).any(axis=1))
    assert set(changed) == {5 + names.index("100"), 5 + names.index("101")}
    file.write_text("100 1 2 3\n")
    with pytest.raises(UserError, match="have 3 numbers"):
        new(tmp_path / "wrong", init="vectors", vectors=str(file))


def test_every_setting_comes_from_the_config() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert fields == set(Pretraining(scratch=Scratch()).model_dump(exclude=READ | {"threads"}))
