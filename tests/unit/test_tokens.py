"""Token ids against the tokenizers of transformers, and what is told when there is none."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tokenizer_samples import FRAGMENTS, SAMPLES, bert, save
from transformers import AutoTokenizer

from podium import tokens
from podium.errors import UserError
from podium.files import read_table

ROOT = Path(__file__).parents[2]


def rows_of(count: int, *, seed: int, pair: bool = False) -> pd.DataFrame:
    """Random texts, some empty, the first one long."""
    rng = np.random.default_rng(seed)

    def text(number: int) -> str:
        return "".join(rng.choice(FRAGMENTS, 900 if number == 0 else rng.integers(0, 12)))

    names = ("text_a", "text_b")[: 1 + pair]
    columns = {name: [text(number) for number in range(count)] for name in names}
    return pd.DataFrame({"id": [f"{number:03}" for number in range(count)], **columns}, dtype="str")


def lists(column: "pd.Series[Any]") -> list[list[int]]:
    return [list(map(int, ids)) for ids in column]


@pytest.mark.parametrize("name", SAMPLES)
def test_ids_are_those_of_transformers(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder, rows = save(name, tmp_path), rows_of(300, seed=1, pair=True)
    reference = AutoTokenizer.from_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["model_max_length"] = 512  # what makes transformers warn of long texts
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    capfd.readouterr()
    table = tokens.tokenise(folder, rows)
    assert capfd.readouterr() == ("", "")
    assert table.columns.tolist() == ["id", "tokens_a", "tokens_b"]
    assert table["id"].tolist() == rows["id"].tolist()
    for text, ids in (("text_a", "tokens_a"), ("text_b", "tokens_b")):
        expected = reference(rows[text].tolist(), add_special_tokens=False)["input_ids"]
        assert lists(table[ids]) == expected
    assert max(map(len, table["tokens_a"])) > 512
    opened = tokens.open_tokenizer(folder)
    assert opened.special["mask"] == reference.mask_token_id
    assert opened.special["pad"] == reference.pad_token_id
    assert opened.special["unk"] == reference.unk_token_id or name == "first_word"


def test_batches_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, rows = save("roberta", tmp_path), rows_of(60, seed=2)
    whole = tokens.tokenise(folder, rows)
    monkeypatch.setattr(tokens, "_ROWS", 7)
    monkeypatch.setattr(tokens, "_CHARACTERS", 100)
    assert lists(tokens.tokenise(folder, rows)["tokens_a"]) == lists(whole["tokens_a"])
    bounds = list(tokens.batches(rows["text_a"].tolist()))
    assert [start for start, _ in bounds[1:]] == [end for _, end in bounds[:-1]]
    for start, end in bounds:
        characters = rows["text_a"].iloc[start:end].str.len().sum()
        assert end - start <= 7
        assert characters <= 100 or end - start == 1


def test_what_tokenizer_json_brings_along_is_not_applied(tmp_path: Path) -> None:
    folder = save("bert", tmp_path)
    rows = rows_of(20, seed=3)
    expected = lists(tokens.tokenise(folder, rows)["tokens_a"])
    saved = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    saved["truncation"] = {"max_length": 6, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    padding = {"strategy": {"Fixed": 9}, "direction": "Right", "pad_id": 0, "pad_type_id": 0}
    saved["padding"] = {**padding, "pad_to_multiple_of": None, "pad_token": "[PAD]"}
    (folder / "tokenizer.json").write_text(json.dumps(saved), encoding="utf-8")
    assert lists(tokens.tokenise(folder, rows)["tokens_a"]) == expected


def test_a_folder_with_a_word_list_only(tmp_path: Path) -> None:
    vocabulary = bert().get_vocab()
    (tmp_path / "vocab.txt").write_text(
        "\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n", "utf-8"
    )
    (tmp_path / "config.json").write_text('{"model_type": "bert", "type_vocab_size": 2}', encoding="utf-8")
    rows = rows_of(50, seed=4)
    expected = tokens.tokenise(save("bert", tmp_path / "json"), rows)
    assert lists(tokens.tokenise(tmp_path, rows)["tokens_a"]) == lists(expected["tokens_a"])
    opened = tokens.open_tokenizer(tmp_path)
    assert (opened.special, opened.token_types) == ({"pad": 0, "mask": 4, "unk": 1}, 2)


def test_settings_that_contradict_tokenizer_json_count_as_they_do_in_transformers(tmp_path: Path) -> None:
    folder = save("bert", tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "do_lower_case": False}), "utf-8")
    rows = pd.DataFrame({"id": ["1"], "text_a": ["The cat"]}, dtype="str")
    found = lists(tokens.tokenise(folder, rows)["tokens_a"])
    assert found == AutoTokenizer.from_pretrained(folder)(["The cat"], add_special_tokens=False)["input_ids"]
    assert found != lists(tokens.tokenise(save("bert", tmp_path / "plain"), rows)["tokens_a"])


def test_special_tokens_are_found_without_settings(tmp_path: Path) -> None:
    folder = save("xlm_roberta", tmp_path)
    (folder / "tokenizer_config.json").unlink()
    assert tokens.open_tokenizer(folder).special == {"pad": 1, "mask": 73, "unk": 3}
    told = {"mask_token": {"content": "<s>", "lstrip": True}, "pad_token": "</s>", "unk_token": "none"}
    (folder / "special_tokens_map.json").write_text(json.dumps(told), encoding="utf-8")
    assert tokens.open_tokenizer(folder).special == {"pad": 2, "mask": 0, "unk": None}


def test_transformers_is_not_imported_for_tokenizer_json(tmp_path: Path) -> None:
    """Its import takes longer than the tokens of thousands of rows."""
    folder = save("deberta", tmp_path)
    code = (
        "import sys, pathlib, pandas as pd; from podium import tokens;"
        "tokens.tokenise(pathlib.Path(sys.argv[1]), pd.DataFrame({'id': ['1'], 'text_a': ['the cat']}));"
        "sys.exit('transformers' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=False).returncode == 0


def test_tables_are_kept_and_read_as_they_were(tmp_path: Path) -> None:
    rows = rows_of(40, seed=5, pair=True)
    rows.loc[3, "text_b"] = ""
    table = tokens.tokenise(save("bert", tmp_path / "encoder"), rows)
    for path in (tmp_path / "a.parquet", tmp_path / "b.parquet"):
        tokens.write(table, path)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    ours, plain = read_table(path), pd.read_parquet(path)
    assert ours.dtypes.astype(str).tolist() == table.dtypes.astype(str).tolist()
    assert plain["tokens_a"].dtype == object  # what a program without Podium reads
    assert plain["id"].dtype == ours["id"].dtype == rows["id"].dtype
    for name in ("tokens_a", "tokens_b"):
        assert lists(ours[name]) == lists(plain[name]) == lists(table[name])
    tokens.write(plain, tmp_path / "c.parquet")
    assert lists(read_table(tmp_path / "c.parquet")["tokens_b"]) == lists(table["tokens_b"])


def test_which_rows_are_duplicates_is_handed_on(tmp_path: Path) -> None:
    rows = rows_of(4, seed=1).assign(same_as=["a", "b", "a", "a"]).astype({"same_as": "str"})
    tokens.write(tokens.tokenise(save("bert", tmp_path / "encoder"), rows), tmp_path / "a.parquet")
    made = read_table(tmp_path / "a.parquet")
    assert list(made.columns) == ["id", "same_as", "tokens_a"]
    pd.testing.assert_series_equal(made["same_as"], rows["same_as"])


def test_no_rows(tmp_path: Path) -> None:
    table = tokens.tokenise(save("bert", tmp_path / "encoder"), rows_of(3, seed=0).iloc[:0])
    tokens.write(table, tmp_path / "none.parquet")
    assert (
        read_table(tmp_path / "none.parquet").dtypes.astype(str).tolist() == table.dtypes.astype(str).tolist()
    )


@pytest.mark.parametrize("name", ["bert", "byt5"])
def test_a_copied_tokenizer_is_the_same(name: str, tmp_path: Path) -> None:
    source, target = save(name, tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (source / "model.safetensors").write_bytes(b"weights")
    tokens.copy_tokenizer(source, target)
    (target / "config.json").write_bytes((source / "config.json").read_bytes())
    rows = rows_of(20, seed=6)
    assert lists(tokens.tokenise(target, rows)["tokens_a"]) == lists(
        tokens.tokenise(source, rows)["tokens_a"]
    )
    assert not (target / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no tokenizer in .*; put its tokenizer.json beside"),
        ({"vocab.txt": ""}, "the tokenizer in|no tokenizer in"),
        (
            {"config.json": '{"model_type": "bert"}'},
            "there is no tokenizer in .*; put its tokenizer.json beside",
        ),
        ({"tokenizer.json": '{"version": "1.0"'}, "cannot open the tokenizer in"),
        ({"tokenizer.json": "{}"}, "cannot open the tokenizer in"),
        ({"tokenizer_config.json": "{", "tokenizer.json": "{}"}, "tokenizer_config.json: not JSON"),
        (
            {"config.json": '{"model_type": "deberta-v2"}', "spm.model": "no model"},
            "only spm.model; install|the tokenizer",
        ),
    ],
)
def test_an_unusable_tokenizer_is_told_in_one_line(
    tmp_path: Path, files: dict[str, str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with caplog.at_level(logging.ERROR), pytest.raises(UserError, match=message) as error:
        tokens.tokenise(tmp_path, rows_of(2, seed=0))
    assert len(str(error.value).splitlines()) == 1
