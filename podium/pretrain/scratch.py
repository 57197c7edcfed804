"""A new, small BERT with a vocabulary of the corpus: the network that a pretraining from scratch begins with.

By itself it is the control: the same network, without the pretraining.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import BertConfig, BertForMaskedLM

from podium.errors import UserError
from podium.models.vectors import fill, read_vectors
from podium.pretrain import ppmi, vocabulary
from podium.pretrain.corpus import encode

log = logging.getLogger(__name__)

_SIZES = {
    "hidden_size": "hidden_size",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "intermediate_size": "intermediate_size",
    "max_position_embeddings": "positions",
}


def make(
    texts: pd.DataFrame, settings: dict[str, Any], folder: Path, *, seed: int, file: Path | None
) -> None:
    """Write tokenizer, config and first weights into ``folder``, which is made.

    Parameters
    ----------
    texts
        Of ``podium.pretrain.corpus.read_texts``.
    settings
        The keys of ``podium.config.pretrain.Scratch`` but ``vectors``, which is ``file``.

    Raises
    ------
    UserError
        No token is frequent enough; the file's vectors have another width; too few words for ``init: ppmi``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = vocabulary.learn(
        texts["text"],
        tokens=settings["tokens"],
        vocab_size=settings["vocab_size"],
        min_count=settings["min_count"],
    )
    vocabulary.save(tokenizer, folder)
    size = tokenizer.get_vocab_size()
    torch.manual_seed(seed)
    network = BertForMaskedLM(
        BertConfig(vocab_size=size, pad_token_id=0, **{key: settings[own] for key, own in _SIZES.items()})
    )
    table = network.bert.embeddings.word_embeddings.weight
    first = table.detach().numpy()
    if settings["init"] == "ppmi":
        first = _of_corpus(texts, folder, settings, first, seed=seed)
    elif settings["init"] == "vectors":
        first = _of_file(list(tokenizer.get_vocab()), tokenizer, file, first)
    with torch.no_grad():
        table.copy_(torch.from_numpy(first))
    network.save_pretrained(folder)
    log.info(
        "a new network: %d tokens, %d parameters, first vectors: %s",
        *(size, sum(parameter.numel() for parameter in network.parameters()), settings["init"]),
    )


def _of_corpus(
    texts: pd.DataFrame, folder: Path, settings: dict[str, Any], first: np.ndarray, *, seed: int
) -> np.ndarray:
    size, dimensions = first.shape
    if size < dimensions + 2:
        raise UserError(
            f"pretrain: init: ppmi needs more tokens than hidden_size {dimensions}, and the texts have {size}; lower it"
        )
    corpus = encode(texts, folder, language="", whole_words=False)
    text = np.repeat(np.arange(len(corpus.lengths)), corpus.lengths)
    found = ppmi.vectors(
        corpus.ids,
        text,
        size=size,
        dimensions=dimensions,
        window=settings["window"],
        negatives=settings["negatives"],
        seed=seed,
    )
    return _scaled(first, found)


def _of_file(words: Sequence[str], tokenizer: Any, file: Path | None, first: np.ndarray) -> np.ndarray:
    assert file is not None
    places, known = read_vectors(file, words)
    if known.shape[1] != first.shape[1]:
        raise UserError(
            f"pretrain: the vectors of {file} have {known.shape[1]} numbers; set scratch.hidden_size to that"
        )
    found = np.zeros_like(first)
    ordered = sorted(words, key=tokenizer.token_to_id)
    fill(found, ordered, places, known)
    log.info("%d of %d tokens have a vector in %s", len(known), len(words), file)
    return _scaled(first, found)


def _scaled(first: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return ``found`` (V, D) less its mean, with the spread of the random vectors ``first``.

    The other weights are made for inputs of that size. Where a word has no vector, and for special tokens, the random
    one stays.
    """
    has: np.ndarray = np.any(found, axis=1)
    has[: len(vocabulary.SPECIAL)] = False
    kept = found[has] - found[has].mean(axis=0) if has.any() else found[has]
    if not kept.any():  # nothing that tells one word from another
        return first
    made = first.copy()
    made[has] = kept * (first[has].std() / kept.std())
    return made
