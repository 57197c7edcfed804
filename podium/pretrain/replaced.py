"""Replaced-token detection: a small generator fills the masked places, the encoder finds what is not the text's.

ELECTRA (Clark et al. 2020, arXiv 2003.10555). Shapes: B sequences, L tokens, M masked tokens, D width, V vocabulary.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining
from transformers.models.electra.modeling_electra import ElectraDiscriminatorPredictions

from podium.engine.bert import FastBert, supports
from podium.pretrain.networks import Inputs, MaskedLm, Sums, autocast, encode, poolers


class ReplacedTokens(nn.Module):
    """Generator and discriminator, trained together from the first step on (section 2).

    The generator is as deep as the encoder, with its width, heads and feed-forward layers at a share ``size`` (section
    3.2: 1/4 to 1/2). Token embeddings are shared, as are positions and token types where the encoder has them as BERT
    does. Gradients do not go from the detection back into the generator, which is drawn from.

    The masked places are all hidden by the mask token, as in the paper; the authors' program leaves 15% of them.
    """

    def __init__(self, model: Any, *, size: float, dtype: torch.dtype, fast: bool) -> None:
        super().__init__()
        self.dtype = dtype
        self.electra = isinstance(model, ElectraForPreTraining)
        self.encoder = model.electra if self.electra else model
        head = model.discriminator_predictions if self.electra else _new_head(self.encoder.config)
        self.head = head
        self._model = [model]  # in a list: its parameters are listed once, below encoder and head
        self.generator = MaskedLm(_generator(self.encoder, size), dtype=dtype, fast=fast)
        self._fast = FastBert(self.encoder) if fast and supports(self.encoder) else None

    def forward(self, inputs: Inputs) -> Sums:
        """Return the sums of a part of a batch; the tokens are drawn from torch's generator."""
        guesses = self.generator.logits(inputs)
        masked = F.cross_entropy(guesses, inputs.labels, reduction="sum")
        drawn = torch.distributions.Categorical(logits=guesses.detach(), validate_args=False).sample()
        replaced = self.fill(inputs, drawn)
        logits = self.detect(replaced)
        wrong = torch.zeros(inputs.ids.numel(), device=inputs.ids.device)
        wrong[inputs.places] = (drawn != inputs.labels).float()
        wrong = wrong.view_as(inputs.ids)
        real = torch.ones_like(wrong) if inputs.real is None else inputs.real.float()
        losses = F.binary_cross_entropy_with_logits(logits, wrong, reduction="none")
        right = (guesses.argmax(dim=1) == inputs.labels).sum()
        return Sums(masked, right, (losses * real).sum(), (((logits > 0) == (wrong > 0)) * real).sum())

    def fill(self, inputs: Inputs, tokens: torch.Tensor) -> Inputs:
        """Put ``tokens`` (M,) into the masked places."""
        ids = inputs.ids.reshape(-1).scatter(0, inputs.places, tokens).view_as(inputs.ids)
        return Inputs(ids, inputs.real, inputs.types, inputs.places, inputs.labels)

    def detect(self, inputs: Inputs) -> torch.Tensor:
        """Logits (B, L) of being replaced, float32."""
        with autocast(inputs.ids.device.type, self.dtype):
            states = encode(self.encoder, self._fast, inputs, self.dtype)
            logits: torch.Tensor = self.head(states).float()
        return logits

    def save(self, folder: Path, source: Path) -> None:
        """Write the encoder into ``folder``, of an ELECTRA with its head; the generator is thrown away.

        A pooler goes along only where the folder ``source`` has one: no step has trained it.
        """
        model = self._model[0]
        own = model.state_dict()
        if not poolers(source):
            own = {name: tensor for name, tensor in own.items() if "pooler" not in name.split(".")}
        model.save_pretrained(folder, state_dict=own)


def _new_head(config: Any) -> nn.Module:
    """The head of ELECTRA's discriminator for another encoder."""
    plain = ElectraConfig(hidden_size=config.hidden_size, hidden_act="gelu")
    head = ElectraDiscriminatorPredictions(plain)
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    return head


def _generator(encoder: Any, size: float) -> ElectraForMaskedLM:
    """A smaller network beside ``encoder``, over its embeddings."""
    config, table = encoder.config, encoder.get_input_embeddings()
    heads = max(1, round(config.num_attention_heads * size))
    width = max(1, round(config.hidden_size * size / heads)) * heads
    shared = config.model_type in ("bert", "electra")
    generator = ElectraForMaskedLM(
        ElectraConfig(
            vocab_size=table.num_embeddings,
            embedding_size=table.embedding_dim,
            hidden_size=width,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=heads,
            intermediate_size=max(1, round(config.intermediate_size * size)),
            max_position_embeddings=config.max_position_embeddings,
            type_vocab_size=max(1, int(getattr(config, "type_vocab_size", 0) or 0)),
            pad_token_id=table.padding_idx if table.padding_idx is not None else 0,
            hidden_dropout_prob=getattr(config, "hidden_dropout_prob", 0.0),
            attention_probs_dropout_prob=getattr(config, "attention_probs_dropout_prob", 0.0),
        )
    )
    embeddings: Any = generator.electra.embeddings
    embeddings.word_embeddings = table
    generator.generator_lm_head.weight = table.weight
    if shared:
        embeddings.position_embeddings = encoder.embeddings.position_embeddings
        embeddings.token_type_embeddings = encoder.embeddings.token_type_embeddings
    return generator
