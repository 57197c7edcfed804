"""EDA as published: counts, operations and cleaning against the paper's rules and its code's."""

import shutil
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.augment import eda_paper
from podium.augment.synonyms import AllSynonyms
from podium.wordnet import load_wordnet
from tests.unit.eda_cases import ALPHA, KNOWN, WORDS, known
from tests.unit.wordnet_folder import real_wordnet


@given(WORDS.filter(len), st.integers(0, 12), st.integers())
def test_an_insertion_of_the_paper_by_brute_force(words: list[str], n: int, seed: int) -> None:
    stop, random, made = frozenset({"the", "not", "film"}), Random(seed), list(words)
    for _ in range(n):
        sources = [word for word in made if word not in stop]
        for _ in range(10 if sources else 0):
            if found := known(random.choice(sources)):
                made.insert(random.randint(0, len(made)), random.choice(found))
                break
    assert eda_paper.insert(words, n, Random(seed), known, stop) == made


PAPER = st.lists(st.sampled_from([*KNOWN, "the", "not", "wonder", "of"]), min_size=1, max_size=30)


def changes(old: list[str], new: list[str]) -> dict[str, set[str]]:
    """What stands in place of each word that was replaced."""
    found: dict[str, set[str]] = {}
    for one, two in zip(old, new, strict=True):
        if one != two:
            found.setdefault(one, set()).add(two)
    return found


@given(PAPER, ALPHA, st.integers(0, 99))
def test_the_papers_operations(words: list[str], alpha: float, seed: int) -> None:
    stop = eda_paper.stop_words("en")
    n = max(1, int(alpha * len(words)))
    able = {word for word in words if word in KNOWN}

    replaced = changes(words, eda_paper.replace(words, n, Random(seed), known, stop))
    assert len(replaced) == min(n, len(able))
    assert all(len(new) == 1 and new <= set(KNOWN[old]) for old, new in replaced.items())

    made = eda_paper.insert(words, n, Random(seed), known, stop)
    added = Counter(made) - Counter(words)
    assert not Counter(words) - Counter(made)
    assert sum(added.values()) <= n
    assert set(added) <= {word for old in able for word in KNOWN[old]}
    rest = iter(made)
    assert all(word in rest for word in words)  # the old words in their old order

    swapped = eda_paper.swap(words, n, Random(seed), known, stop)
    assert Counter(swapped) == Counter(words)
    assert sum(a != b for a, b in zip(words, swapped, strict=True)) <= 2 * n

    left = iter(words)
    deleted = eda_paper.delete(words, alpha, Random(seed))
    assert deleted
    assert all(word in left for word in deleted)  # a subsequence
    assert len(words) > 1 or deleted == words


@given(
    PAPER,
    st.integers(1, 11),
    st.sets(st.sampled_from(["sr", "ri", "rs", "rd"]), min_size=1),
    st.integers(0, 99),
)
def test_the_papers_count_of_texts_and_one_operation_each(
    words: list[str], copies: int, used: set[str], seed: int
) -> None:
    alphas = {name: 0.3 if name in used else 0.0 for name in ("sr", "ri", "rs", "rd")}
    made = eda_paper.texts_of(
        " ".join(words), copies=copies, alphas=alphas, random=Random(seed), synonyms=known, language="en"
    )
    assert len(made) == copies
    n, able = max(1, int(0.3 * len(words))), {word for word in words if word in KNOWN}
    for text in made:
        new = text.split()
        same = Counter(new) == Counter(words)
        fits = {
            "sr": len(new) == len(words) and len(changes(words, new)) == min(n, len(able)),
            "ri": len(words) <= len(new) <= len(words) + n and not Counter(words) - Counter(new),
            "rs": same,
            "rd": not Counter(new) - Counter(words),
        }
        assert any(fits[name] for name in used)


def test_each_operation_makes_its_share() -> None:
    """Of copies // 4 + 1 texts of each, all but one are taken where copies is 4 k + 3."""
    words = [f"w{letter}" for letter in "abcdefghij"]
    alphas = {"sr": 0.1, "ri": 0.1, "rs": 0.1, "rd": 0.1}
    made = eda_paper.texts_of(
        " ".join(words),
        copies=11,
        alphas=alphas,
        random=Random(1),
        synonyms=lambda word: [f"x{word}"],
        language="en",
    )
    inserted = sum(len(text.split()) == 11 for text in made)
    replaced = sum(len(text.split()) == 10 and "xw" in text for text in made)
    others = len(made) - inserted - replaced
    assert {inserted, replaced} <= {2, 3}
    assert others in (5, 6)


def test_the_papers_cleaning() -> None:
    assert eda_paper.clean("It's a Well-made film, 10/10 — naïve\tGenius!", "en") == (
        ["its", "a", "well", "made", "film", "na", "ve", "genius"]
    )
    assert eda_paper.clean("Größe, 10 Äpfel", "de") == ["größe", "äpfel"]


def test_all_synonyms_are_those_that_nltk_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the paper's own code, which asks NLTK."""
    folder = real_wordnet()
    found = AllSynonyms(load_wordnet(folder))
    assert "acquire" in found("get")
    assert "get hold of" in found("take")
    assert set(found("movie")) >= {"film", "picture", "flick", "moving picture"}
    nltk = pytest.importorskip("nltk")
    copied = tmp_path / "nltk_data"  # NLTK refuses links, and what is outside its own search path
    shutil.copytree(folder / "corpora/wordnet", copied / "corpora/wordnet")
    for path in copied.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.setattr(nltk.data, "path", [str(copied)])
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    with pytest.warns(UserWarning, match="multilingual"):
        reader = WordNetCorpusReader(nltk.data.find("corpora/wordnet"), None)
    words = [
        "movie",
        "good",
        "terrible",
        "runs",
        "better",
        "story",
        "acting",
        "feels",
        "big",
        "ideas",
        "watched",
        "quickly",
        "men",
        "the",
        "in",
    ]
    for word in words:
        names = {name for synset in reader.synsets(word) for name in synset.lemma_names()}
        plain = {
            "".join(
                char
                for char in name.replace("_", " ").replace("-", " ").lower()
                if char in "abcdefghijklmnopqrstuvwxyz "
            )
            for name in names
        }
        assert set(found(word)) == plain - {word, ""}, word
