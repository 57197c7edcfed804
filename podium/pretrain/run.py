"""A whole pretraining: from a folder and texts to a folder that AutoModel opens, with what there is to say of it."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from transformers import AutoModel, ElectraForPreTraining

from podium import tokens
from podium.engine import backbones
from podium.engine.checkpoint import Checkpoint, fingerprint
from podium.engine.determinism import set_up
from podium.engine.precision import compute_dtype
from podium.engine.template import Template
from podium.errors import UserError
from podium.pretrain.blocks import Blocks, pack, separate
from podium.pretrain.corpus import Corpus, encode, held_out
from podium.pretrain.loop import Run
from podium.pretrain.networks import MaskedLm, Opening, open_model
from podium.pretrain.options import Settings
from podium.pretrain.replaced import ReplacedTokens
from podium.report_pretrain import hardly_learned
from podium.rerun import digest
from podium.seeds import derive

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """``curve``: a row a point (``Run.table``); ``facts``: what a person wants to know, plain values."""

    curve: pd.DataFrame
    facts: dict[str, Any]


def pretrain(
    texts: pd.DataFrame,
    source: Path,
    target: Path,
    settings: Settings,
    *,
    language: str,
    seed: int,
    device: str,
    threads: int,
    scratch: Path | None,
) -> Result:
    """Train the network in the folder ``source`` on ``texts`` and write it, with its tokenizer, into ``target``.

    Parameters
    ----------
    texts
        Of ``podium.pretrain.corpus.read_texts``.
    language
        Of the texts: in Chinese (zh) words are cut by rjieba.
    scratch
        Folder for checkpoints: a killed run is taken up where it was. Whoever calls removes it when all is written.
        None keeps none.

    Raises
    ------
    UserError
        ``source`` holds no encoder and tokenizer that can be trained so; the loss is no longer finite.
    """
    place = torch.device(device)
    set_up(place.type, threads)
    template = Template.of(tokens.open_tokenizer(source))
    if template.mask is None:
        raise UserError(f"pretrain: the tokenizer in {source} has no mask token")
    held = held_out(texts, settings.held_out, seed=derive(seed, "held out"))
    if settings.pack:
        texts, held = _each_once(texts, held)
    corpus = encode(texts, source, language=language, whole_words=settings.masking != "token")
    trained, looked_at = (corpus.take(np.flatnonzero(chosen)) for chosen in (~held, held))
    torch.manual_seed(derive(seed, "network"))
    network, head = _network(source, settings, place)
    backbones.check_ids(int(corpus.ids.max(initial=0)), network.encoder, source)
    network.to(place)
    ordinary = np.setdiff1d(
        np.arange(network.encoder.get_input_embeddings().num_embeddings), list(template.ids)
    )
    checkpoint = Checkpoint(scratch, _fingerprint(settings, corpus, held, network, seed, device))
    run = Run(
        network,
        settings,
        _epochs(trained, template, settings, seed),
        _sequences(looked_at, template, settings, [seed, 4]) if held.any() else None,
        mask=template.mask,
        ordinary=ordinary,
        seed=seed,
        device=place,
        checkpoint=checkpoint,
    )
    run.run()
    size = int(network.encoder.get_input_embeddings().num_embeddings)
    frequencies = run.guessing(np.bincount(trained.ids, minlength=size))
    _write(network.cpu(), source, target)
    unknown = float((corpus.ids == template.unk).mean()) if template.unk is not None else 0.0
    facts = {
        "objective": settings.objective,
        "head_was_there": head,
        "texts": len(texts),
        "held_out_texts": int(held.sum()),
        "tokens": len(corpus.ids),
        "unknown_tokens": unknown,
        "tokens_in_use": len(np.unique(corpus.ids)),
        "vocabulary": size,
        "steps": run.steps,
        "steps_of_an_epoch": run.per_epoch,
        "frequencies": frequencies,
        "first": run.points[0] if run.points else None,
        "last": run.points[-1] if run.points else None,
    }
    if hardly_learned(facts):
        log.warning(
            "perplexity %.1f at the end, %.1f is that of the tokens' bare frequencies: the network has hardly learned",
            *(run.points[-1]["perplexity"], frequencies),
        )
    if run.allowance.tokens is not None:
        facts["memory_ran_out"] = run.allowance.facts()
    return Result(run.table(), facts)


def _each_once(texts: pd.DataFrame, held: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Leave out a text that stood there before: the context of many questions is one text, on one side."""
    first = ~texts["text"].duplicated().to_numpy()
    if not first.all():
        log.info("%d of %d texts stood there before: each is read once", (~first).sum(), len(texts))
    return texts[first].reset_index(drop=True), held[first]


def _network(source: Path, settings: Settings, device: torch.device) -> tuple[Any, bool]:
    """The network with its head, and whether the head's weights were in the folder."""
    opening = Opening(
        dropout=settings.dropout,
        attention_dropout=settings.attention_dropout,
        max_length=settings.max_length,
        device_type=device.type,
    )
    dtype = compute_dtype(settings.precision, device.type)
    if settings.objective == "mlm":
        model, head = open_model(source, opening)
        return MaskedLm(model, dtype=dtype, fast=True), head
    electra = backbones._read_config(source).model_type == "electra"
    model, head = open_model(source, opening, cls=ElectraForPreTraining if electra else AutoModel)
    assert settings.generator is not None
    return ReplacedTokens(model, size=settings.generator, dtype=dtype, fast=True), head and electra


def _sequences(corpus: Corpus, template: Template, settings: Settings, seed: list[int]) -> Blocks:
    if settings.pack:
        return pack(corpus, template, max_length=settings.max_length, seed=seed)
    return separate(corpus, template, max_length=settings.max_length)


def _epochs(corpus: Corpus, template: Template, settings: Settings, seed: int) -> Any:
    """The sequences of each epoch: packed anew, or always the same."""
    if settings.pack:
        return lambda epoch: _sequences(corpus, template, settings, [seed, epoch, 0])
    same = _sequences(corpus, template, settings, [])
    return lambda _: same


def _fingerprint(
    settings: Settings, corpus: Corpus, held: np.ndarray, network: nn.Module, seed: int, device: str
) -> str:
    """What makes this run and no other: a checkpoint of another one must not be used."""
    return fingerprint(
        *(dataclasses.asdict(settings), seed, device, torch.__version__, torch.get_num_threads()),
        digest(Path(__file__).parents[2], "podium/pretrain/run.py"),
        *(array.tobytes() for array in (corpus.ids, corpus.words, corpus.offsets, corpus.rows, held)),
        *network.state_dict().values(),
    )


def _write(network: Any, source: Path, target: Path) -> None:
    """Write weights, config and tokenizer; the config has the dropout rates of this training."""
    target.mkdir(parents=True, exist_ok=True)
    network.save(target, source)
    tokens.copy_tokenizer(source, target)
