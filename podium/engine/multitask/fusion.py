"""The mean of several encoders' weights: a start for joint training.

A team of the Tianchi "Chinese pretrained model generalisation" competition trained each task alone, averaged the three
encoders parameter by parameter, and trained all tasks jointly from there. Models that start from one pretrained encoder
lie in one basin, where means of weights are good weights (Wortsman et al. 2022, "Model soups", arXiv 2203.05482).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from podium import tokens
from podium.errors import UserError
from podium.files import read_json, write_atomically, write_json

WEIGHTS = "model.safetensors"
#: Keys of config.json that say nothing of what the weights are: where they came from, how they are trained.
_FREE = (
    *("_name_or_path", "transformers_version", "torch_dtype", "dtype", "architectures"),
    *(
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "hidden_dropout",
        "attention_dropout",
        "dropout",
    ),
    *("embedding_dropout", "mlp_dropout", "embd_pdrop", "resid_pdrop", "attn_pdrop", "classifier_dropout"),
    *("id2label", "label2id", "num_labels", "problem_type", "use_cache"),
)


def fuse(folders: Sequence[Path], out: Path, *, weights: Sequence[float] | None) -> None:
    """Write an encoder folder whose every weight is the mean of the same weight in ``folders`` (M, 1 at least).

    ``weights`` (M), above 0, weigh the encoders; None: all alike. Each mean is computed in float64 and then cast to the
    type it has in the first folder. Integers must be the same everywhere. Config and tokenizer are the first folder's.
    One tensor of each encoder is in memory at a time, and the result.

    Raises
    ------
    UserError
        A folder holds no encoder, or the encoders differ in architecture, vocabulary or sizes: the message says in
        what.
    ValueError
        No folders, or weights that do not fit them.
    """
    shares = _shares(weights, len(folders))
    configs = [_config(folder) for folder in folders]
    for folder, config in zip(folders[1:], configs[1:], strict=True):
        _same_config(folders[0], configs[0], folder, config)
        _same_vocabulary(folders[0], folder)
    with ExitStack() as stack:
        opened = [_opened(folder, stack) for folder in folders]
        for folder, files in zip(folders[1:], opened[1:], strict=True):
            _same_names(folders[0], set(opened[0]), folder, set(files))
        fused = {name: _mean(name, opened, shares, folders) for name in sorted(opened[0])}
    out.mkdir(parents=True, exist_ok=True)
    tokens.copy_tokenizer(folders[0], out)
    write_json(configs[0], out / "config.json")
    write_atomically(out / WEIGHTS, lambda path: save_file(fused, path, metadata={"format": "pt"}))


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    given = [1.0] * count if weights is None else list(weights)
    if not count or len(given) != count or not all(weight > 0 for weight in given):
        raise ValueError(f"{count} encoders cannot be weighed by {given}")
    return given


def _config(folder: Path) -> dict[str, Any]:
    if not (folder / "config.json").is_file():
        raise UserError(f"fuse: there is no config.json in {folder}; name folders of encoders")
    config: dict[str, Any] = read_json(folder / "config.json")
    return config


def _same_config(first: Path, ours: Mapping[str, Any], folder: Path, theirs: Mapping[str, Any]) -> None:
    for key in sorted({*ours, *theirs} - {*_FREE}):
        if ours.get(key) != theirs.get(key):
            raise UserError(
                f"fuse: the encoders in {first} and {folder} are of different architectures: {key} is "
                f"{json.dumps(ours.get(key))} and {json.dumps(theirs.get(key))}; fuse models of one encoder"
            )


def _same_vocabulary(first: Path, folder: Path) -> None:
    """Raise ``UserError`` unless both tokenizers know the same tokens by the same ids."""
    mine, other = _vocabulary(first), _vocabulary(folder)
    if mine == other:
        return
    word = min(set(mine.items()) ^ set(other.items()))[0]
    raise UserError(
        f"fuse: the tokenizers in {first} and {folder} have different vocabularies, such as the id of {word!r}; "
        "fuse models of one encoder"
    )


def _vocabulary(folder: Path) -> dict[str, int]:
    from podium.engine.backbones import open_tokenizer

    found: dict[str, int] = open_tokenizer(folder, token_types=2).get_vocab()
    return found


def _opened(folder: Path, stack: ExitStack) -> dict[str, Any]:
    """Return the open file of each weight in a folder, by name; big models have several files."""
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise UserError(f"fuse: there are no safetensors in {folder}; only they are read")
    files: dict[str, Any] = {}
    for path in paths:
        try:
            opened = stack.enter_context(safe_open(path, framework="pt"))
        except (SafetensorError, OSError) as error:
            raise UserError(f"fuse: cannot read {path}: {error}") from error
        files |= dict.fromkeys(opened.keys(), opened)
    return files


def _same_names(first: Path, ours: set[str], folder: Path, theirs: set[str]) -> None:
    if ours != theirs:
        name = min(ours ^ theirs)
        has, lacks = (first, folder) if name in ours else (folder, first)
        raise UserError(f"fuse: {has} has the weight {name}, and {lacks} has not; fuse models of one encoder")


def _mean(
    name: str, opened: Sequence[Mapping[str, Any]], shares: Sequence[float], folders: Sequence[Path]
) -> torch.Tensor:
    first: torch.Tensor | None = None
    total = torch.zeros(0)
    for tensor, share, folder in zip(_tensors(name, opened), shares, folders, strict=True):
        if first is None:
            first, total = tensor, share * tensor.double()
        elif tensor.shape != first.shape:
            raise UserError(
                f"fuse: {name} is {tuple(first.shape)} in {folders[0]} and {tuple(tensor.shape)} in {folder}; "
                "fuse models of one encoder"
            )
        elif first.is_floating_point():
            total += share * tensor.double()
        elif not torch.equal(tensor, first):
            raise UserError(f"fuse: {name} holds other integers in {folders[0]} than in {folder}")
    assert first is not None
    return (total / sum(shares)).to(first.dtype) if first.is_floating_point() else first


def _tensors(name: str, opened: Sequence[Mapping[str, Any]]) -> Iterator[torch.Tensor]:
    for files in opened:
        yield files[name].get_tensor(name)
