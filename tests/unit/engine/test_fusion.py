"""The mean of encoders: exact, in each type, and refused where it would mean nothing."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from podium.engine.multitask.fusion import WEIGHTS, fuse
from podium.errors import UserError


def variant(encoder: Path, folder: Path, seed: int, dtype: torch.dtype = torch.float32) -> Path:
    """The encoder with noise on its weights."""
    shutil.copytree(encoder, folder)
    random = torch.Generator().manual_seed(seed)
    state = load_file(folder / WEIGHTS)
    moved = {
        name: (value + torch.randn(value.shape, generator=random)).to(dtype) for name, value in state.items()
    }
    moved["counts"] = torch.arange(5)
    save_file(moved, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_the_mean_is_exact_before_it_is_rounded_once(
    encoder: Path, tmp_path: Path, dtype: torch.dtype, weights: list[float] | None
) -> None:
    """Against fractions; integers stay."""
    folders = [variant(encoder, tmp_path / str(seed), seed, dtype) for seed in range(3)]
    fuse(folders, tmp_path / "out", weights=weights)
    states, fused = [load_file(folder / WEIGHTS) for folder in folders], load_file(tmp_path / "out" / WEIGHTS)
    assert fused.keys() == states[0].keys()
    shares = weights or [1.0, 1.0, 1.0]
    for name, value in fused.items():
        assert value.dtype == states[0][name].dtype
        if name == "counts":
            assert value.tolist() == [0, 1, 2, 3, 4]
            continue
        flat = [state[name].flatten()[:7].tolist() for state in states]
        for place, numbers in enumerate(zip(*flat, strict=True)):
            exact = sum(Fraction(s) * Fraction(n) for s, n in zip(shares, numbers, strict=True)) / Fraction(
                sum(shares)
            )
            rounded = torch.tensor(float(exact), dtype=torch.float64).to(dtype)
            assert value.flatten()[place] == rounded
        whole = sum(share * state[name].double() for share, state in zip(shares, states, strict=True)) / sum(
            shares
        )
        assert torch.equal(value, whole.to(dtype))


def test_the_result_is_an_encoder_and_one_alone_is_itself(encoder: Path, tmp_path: Path) -> None:
    fuse([encoder], tmp_path / "one", weights=None)
    mine, before = load_file(tmp_path / "one" / WEIGHTS), load_file(encoder / WEIGHTS)
    assert all(torch.equal(mine[name], before[name]) for name in before)
    assert AutoTokenizer.from_pretrained(tmp_path / "one").get_vocab()["ape"] > 0
    with torch.no_grad():
        inputs = torch.tensor([[2, 60, 61, 3]])
        outputs = [AutoModel.from_pretrained(folder).eval()(inputs) for folder in (encoder, tmp_path / "one")]
    np.testing.assert_array_equal(outputs[0].last_hidden_state, outputs[1].last_hidden_state)


def test_weights_in_several_files_are_read(encoder: Path, tmp_path: Path) -> None:
    split = Path(shutil.copytree(encoder, tmp_path / "split"))
    state = load_file(split / WEIGHTS)
    names = sorted(state)
    (split / WEIGHTS).unlink()
    save_file({name: state[name] for name in names[:9]}, split / "model-00001-of-00002.safetensors")
    save_file({name: state[name] for name in names[9:]}, split / "model-00002-of-00002.safetensors")
    fuse([encoder, split], tmp_path / "out", weights=None)
    assert all(
        torch.equal(value, state[name]) for name, value in load_file(tmp_path / "out" / WEIGHTS).items()
    )


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("layers", "different architectures: num_hidden_layers is 2 and 3"),
        ("vocabulary", "different vocabularies, such as the id of"),
        ("weights", "has the weight pooler.dense.bias, and .* has not"),
        ("sizes", r"pooler.dense.bias is \(32,\) in .* and \(31,\)"),
        ("config", "there is no config.json"),
        ("files", "no safetensors"),
        ("damaged", "cannot read"),
    ],
)
def test_other_encoders_are_refused_in_one_line(
    encoder: Path, tmp_path: Path, how: str, message: str
) -> None:
    other = Path(shutil.copytree(encoder, tmp_path / "other"))
    config, state = json.loads((other / "config.json").read_text("utf-8")), load_file(other / WEIGHTS)
    if how == "layers":
        (other / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}), encoding="utf-8")
    elif how == "vocabulary":
        tokens = json.loads((other / "tokenizer.json").read_text("utf-8"))
        words = tokens["model"]["vocab"]
        words["ape"], words["bear"] = words["bear"], words["ape"]
        (other / "tokenizer.json").write_text(json.dumps(tokens), encoding="utf-8")
    elif how in ("weights", "sizes"):
        bias = state.pop("pooler.dense.bias")
        save_file(state | ({"pooler.dense.bias": bias[1:]} if how == "sizes" else {}), other / WEIGHTS)
    elif how == "config":
        (other / "config.json").unlink()
    elif how == "files":
        (other / WEIGHTS).unlink()
    else:
        (other / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes()[:-50])
    with pytest.raises(UserError, match=message) as error:
        fuse([encoder, other], tmp_path / "out", weights=None)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_dropout_and_names_do_not_matter(encoder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(encoder, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text("utf-8"))
    changed = {"hidden_dropout_prob": 0.3, "_name_or_path": "x", "architectures": ["BertForMaskedLM"]}
    (other / "config.json").write_text(json.dumps(config | changed), encoding="utf-8")
    fuse([encoder, other], tmp_path / "out", weights=None)
    with pytest.raises(ValueError, match="cannot be weighed"):
        fuse([encoder], tmp_path / "out", weights=[1.0, 2.0])
