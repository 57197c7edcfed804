"""Re-initialised layers in tiny encoders of each architecture."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig

from podium.engine.reinit import encoder_layers, reinitialise
from podium.errors import UserError

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 90,
    "pad_token_id": 0,
}
RELATIVE = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": 8}
V3 = RELATIVE | {
    "share_att_key": True,
    "position_buckets": 4,
    "norm_rel_ebd": "layer_norm",
    "conv_kernel_size": 3,
}
SMALL = {"n_layers": 3, "dim": 32, "hidden_dim": 64, "n_heads": 2, "vocab_size": 90}
# kind: its own settings, the name of its list of layers, whether it has a pooler
KINDS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "bert": (SIZES, "encoder.layer", True),
    "roberta": (SIZES, "encoder.layer", True),
    "electra": (SIZES | {"embedding_size": 16}, "encoder.layer", False),
    "deberta": (SIZES | RELATIVE, "encoder.layer", False),
    "deberta-v2": (SIZES | V3, "encoder.layer", False),
    "modernbert": (SIZES, "layers", False),
    "distilbert": (SMALL, "transformer.layer", False),
}


def fresh(kind: str, seed: int) -> Any:
    torch.manual_seed(seed)
    return AutoModel.from_config(AutoConfig.for_model(kind, **KINDS[kind][0]))


def pretrained(kind: str, folder: Path) -> Any:
    """An encoder that was read from a folder, none of whose values is one that it could begin with."""
    encoder = fresh(kind, seed=0)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.uniform_(5, 6)
    encoder.save_pretrained(folder)
    return AutoModel.from_pretrained(folder, local_files_only=True)


def values(encoder: nn.Module) -> dict[str, torch.Tensor]:
    both = [*encoder.named_parameters(), *encoder.named_buffers()]
    return {name: value.detach().clone() for name, value in both}


@pytest.mark.parametrize("kind", KINDS)
def test_the_wanted_layers_are_those_of_a_fresh_model(kind: str, tmp_path: Path) -> None:
    encoder = pretrained(kind, tmp_path)
    before, new = values(encoder), values(fresh(kind, seed=1))
    torch.manual_seed(2)
    reinitialise(encoder, 2)
    after = values(encoder)
    prefixes = [f"{KINDS[kind][1]}.1.", f"{KINDS[kind][1]}.2.", *(["pooler."] if KINDS[kind][2] else [])]
    for name, value in after.items():
        if name.startswith(tuple(prefixes)) and value.is_floating_point():
            assert (value != before[name]).all(), name
            spread = float(new[name].std())
            assert float(value.std()) == pytest.approx(spread, rel=0.15), name
            assert float(value.mean()) == pytest.approx(float(new[name].mean()), abs=0.2 * spread), name
        else:
            assert torch.equal(value, before[name]), name
    assert all(any(name.startswith(prefix) for name in after) for prefix in prefixes)
    torch.manual_seed(2)
    reinitialise(encoder, 2)
    assert all(torch.equal(value, after[name]) for name, value in values(encoder).items())
    torch.manual_seed(3)
    reinitialise(encoder, 1)
    again = values(encoder)
    changed = {name for name in after if not torch.equal(again[name], after[name])}
    assert changed
    assert all(name.startswith(tuple(prefixes[1:])) for name in changed)
    assert encoder(input_ids=torch.tensor([[5, 6, 7]])).last_hidden_state.isfinite().all()


def test_no_layer_draws_nothing() -> None:
    encoder = fresh("bert", seed=0)
    before, state = values(encoder), torch.get_rng_state()
    reinitialise(encoder, 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in values(encoder).items())
    reinitialise(encoder, 3)
    assert len(encoder_layers(encoder)) == 3


def test_what_cannot_be_is_told() -> None:
    encoder = fresh("bert", seed=0)
    with pytest.raises(UserError, match="4 is more than the 3 layers of the encoder; set it to 3 or less"):
        reinitialise(encoder, 4)
    with pytest.raises(ValueError, match="-1"):
        reinitialise(encoder, -1)
    shared = AutoModel.from_config(AutoConfig.for_model("albert", **SIZES, embedding_size=16))
    with pytest.raises(UserError, match="albert has no list of 3 layers; set it to 0"):
        reinitialise(shared, 1)
    assert isinstance(encoder.config, PretrainedConfig)
    encoder.encoder.layer[2].odd = nn.Parameter(torch.ones(3))
    with pytest.raises(UserError, match="leaves out odd"):
        reinitialise(encoder, 1)
