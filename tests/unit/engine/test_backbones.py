"""Encoders of each architecture: opened, trained, saved, opened again; and folders that are none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from architectures import KINDS, Network, batch, random_encoder, write
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertForMaskedLM,
    ElectraForMaskedLM,
    RobertaForMaskedLM,
)

from podium.engine.backbones import Backbone, check_ids, open_backbone, open_tokenizer
from podium.engine.optimization import freeze_layers
from podium.errors import UserError


def opened(folder: Path, **changes: Any) -> Backbone:
    usual: dict[str, Any] = {
        **{"dropout": 0.1, "attention_dropout": 0.0, "max_length": 16, "device_type": "cpu"},
        **{"attention": "auto", "gradient_checkpointing": False},
        **{"allow_missing": [], "allow_unexpected": []},
    }
    return open_backbone(folder, **usual | changes)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("encoders")
    return {kind: write(kind, base / kind) for kind in KINDS}


# ---- all architectures


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attention", ["auto", "sdpa"])
def test_opens_trains_saves_and_opens_again(
    folders: dict[str, Path], tmp_path: Path, kind: str, attention: str
) -> None:
    """With the tokenizer's own inputs of pairs of texts, in both attentions."""
    if attention == "sdpa" and kind.startswith("deberta"):
        with pytest.raises(UserError, match="scaled_dot_product_attention"):
            opened(folders[kind], attention=attention)
        return
    backbone = opened(folders[kind], attention=attention)
    assert (backbone.hidden, backbone.layers) == (16, 3)
    assert {parameter.dtype for parameter in backbone.encoder.parameters()} == {torch.float32}
    tokenizer = open_tokenizer(folders[kind], token_types=backbone.token_types)
    tokens = tokenizer(["the ape", "a cat sat"], ["on the mat", "there"], padding=True, return_tensors="pt")
    inputs = dict(tokens)
    assert ("token_type_ids" in inputs) == (kind in ("bert", "electra"))
    check_ids(int(inputs["input_ids"].max()), backbone.encoder, folders[kind])
    network = Network(backbone.encoder).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    nn.functional.cross_entropy(network(**inputs), torch.tensor([0, 2])).backward()
    optimizer.step()
    idle = {name for name, tensor in network.state_dict().items() if torch.equal(tensor, before[name])}
    # A pooling over tokens leaves the pooler alone; keys' biases have no gradient, softmax takes them out
    assert all(".pooler." in name or "key" in name or "k_lin" in name for name in idle), idle
    backbone.encoder.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again = opened(tmp_path, attention=attention)
    with torch.no_grad():
        first = network.eval().encoder(**inputs).last_hidden_state
        second = again.encoder.eval()(**inputs).last_hidden_state
    assert torch.equal(first, second)
    saved = open_tokenizer(tmp_path, token_types=again.token_types)
    assert saved(["the ape"]) == tokenizer(["the ape"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("deberta")])
def test_both_attentions_compute_the_same(folders: dict[str, Path], kind: str) -> None:
    states = []
    for attention in ("eager", "sdpa"):
        encoder = opened(folders[kind], attention=attention).encoder.eval()
        with torch.no_grad():
            states.append(encoder(**batch()).last_hidden_state * batch()["attention_mask"].unsqueeze(-1))
    torch.testing.assert_close(states[0], states[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_attention_fits_the_device_whatever_the_folder_says(
    folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """A folder could name a kernel on the Hub, which is code."""
    fused = "eager" if kind.startswith("deberta") else "sdpa"
    for device, expected in (("cpu", "eager"), ("cuda", fused)):
        assert opened(folders[kind], device_type=device).encoder.config._attn_implementation == expected
    folder = copied(folders[kind], tmp_path)
    for name in ("_attn_implementation", "attn_implementation"):
        change_config(folder, **{name: "kernels-community/any"})
    for device, expected in (("cpu", "eager"), ("cuda", fused)):
        assert opened(folder, device_type=device).encoder.config._attn_implementation == expected


@pytest.mark.parametrize("kind", KINDS)
def test_dropouts_have_the_values_asked_for(folders: dict[str, Path], kind: str) -> None:
    encoder = opened(folders[kind], dropout=0.3, attention_dropout=0.2).encoder
    rates = {name: module.p for name, module in encoder.named_modules() if isinstance(module, nn.Dropout)}
    assert set(rates.values()) == {0.3, 0.2}
    for name, rate in rates.items():
        inner = name.endswith((".self.dropout", ".attention.dropout", ".out_drop"))
        assert rate == (0.2 if inner else 0.3), name
    none = opened(folders[kind], dropout=0.0, attention_dropout=0.0).encoder.train()
    with torch.no_grad():
        assert torch.equal(none(**batch()).last_hidden_state, none(**batch()).last_hidden_state)


@pytest.mark.parametrize("kind", KINDS)
def test_checkpointed_gradients_are_the_same(folders: dict[str, Path], kind: str) -> None:
    """With dropout, whose masks must come again, each layer computed twice and nothing drawn more."""
    gradients, draws, calls = [], [], []
    for switch in (False, True):
        backbone = opened(folders[kind], attention_dropout=0.2, gradient_checkpointing=switch)
        torch.manual_seed(0)
        network = Network(backbone.encoder).train()
        calls.append(0)
        modules = dict(backbone.encoder.named_modules())
        # Before and not after: the second pass ends where the last tensor needed has been made
        lowest = next(modules[name] for name in modules if name.endswith(("0.attention", "0.attn")))
        lowest.register_forward_pre_hook(lambda *_: calls.append(calls.pop() + 1))
        torch.manual_seed(1)
        network(**batch()).square().sum().backward()
        draws.append(torch.rand(4))
        gradients.append({name: parameter.grad for name, parameter in network.named_parameters()})
    assert calls == [1, 2]
    assert torch.equal(draws[0], draws[1])
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        assert (gradient is None) == (other is None), name
        assert gradient is None or other is None or torch.equal(gradient, other), name


def test_checkpointing_leaves_frozen_layers_out_of_the_backward_pass(folders: dict[str, Path]) -> None:
    encoder = opened(folders["bert"], gradient_checkpointing=True).encoder.train()
    network = Network(encoder)
    freeze_layers(network, 2)
    seen = []
    encoder.embeddings.register_forward_hook(lambda *given: seen.append(given[2].requires_grad))
    encoder.encoder.layer[1].register_forward_hook(lambda *given: seen.append(given[2].requires_grad))
    encoder.encoder.layer[2].register_forward_hook(lambda *given: seen.append(given[2].requires_grad))
    network(**batch()).sum().backward()
    assert seen == [False, False, True]


def test_an_encoder_without_checkpointing(tmp_path: Path) -> None:
    random_encoder("albert").save_pretrained(tmp_path)  # type: ignore[operator]
    assert opened(tmp_path).layers == 3
    with pytest.raises(
        UserError, match=r"gradient_checkpointing: the encoder in .* \(albert\) does not have it"
    ):
        opened(tmp_path, gradient_checkpointing=True)


def test_an_old_key_of_modernbert_changes_nothing(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["modernbert"], tmp_path)
    change_config(folder, reference_compile=True)
    states = [
        opened(path).encoder.eval()(**batch()).last_hidden_state for path in (folder, folders["modernbert"])
    ]
    assert torch.equal(states[0], states[1])


# ---- poolers and heads


@pytest.mark.parametrize(
    ("full", "kind", "pooler"),
    [
        (BertForMaskedLM, "bert", True),
        (RobertaForMaskedLM, "roberta", True),
        (ElectraForMaskedLM, "electra", False),
    ],
)
def test_a_language_model_is_opened_without_its_head(
    tmp_path: Path, full: Any, kind: str, pooler: bool, recwarn: pytest.WarningsRecorder
) -> None:
    """Its head is left aside in silence; the pooler that it lacks is new and said to be."""
    torch.manual_seed(0)
    model = full(random_encoder(kind).config)
    model.save_pretrained(tmp_path)
    torch.manual_seed(1)
    backbone = opened(tmp_path)
    assert not recwarn.list
    assert not backbone.pooler_present
    assert backbone.fresh == ({"pooler"} if pooler else set())
    inner = getattr(model, kind).state_dict()
    for name, tensor in backbone.encoder.state_dict().items():
        assert name.startswith("pooler.") or torch.equal(tensor, inner[name]), name
    torch.manual_seed(1)
    for ours, again in zip(backbone.encoder.parameters(), opened(tmp_path).encoder.parameters(), strict=True):
        assert torch.equal(ours, again)
    backbone.encoder.save_pretrained(tmp_path / "tuned")
    assert opened(tmp_path / "tuned").pooler_present == pooler


def test_a_pooler_of_the_folder_is_its_own(folders: dict[str, Path]) -> None:
    backbone = opened(folders["bert"])
    assert backbone.pooler_present
    assert not backbone.fresh
    weights = load_file(folders["bert"] / "model.safetensors")
    assert torch.equal(backbone.encoder.pooler.dense.weight, weights["pooler.dense.weight"])


# ---- positions and ids


@pytest.mark.parametrize(
    ("kind", "longest"),
    [("bert", 40), ("roberta", 38), ("xlm-roberta", 38), ("distilbert", 40), ("modernbert", 40)],
)
def test_max_length_is_held_against_the_positions(folders: dict[str, Path], kind: str, longest: int) -> None:
    encoder = opened(folders[kind], max_length=longest).encoder
    encoder(input_ids=torch.full((1, longest), 7), attention_mask=torch.ones(1, longest, dtype=torch.int64))
    with pytest.raises(UserError, match=f"max_length {longest + 1} is more than the {longest} positions"):
        opened(folders[kind], max_length=longest + 1)


@pytest.mark.parametrize("kind", ["deberta-v2", "deberta-v3"])
def test_relative_positions_have_no_end(folders: dict[str, Path], kind: str) -> None:
    encoder = opened(folders[kind], max_length=100).encoder.eval()
    inputs = batch(rows=2, length=100)
    with torch.no_grad():
        states = encoder(**inputs).last_hidden_state
        short = encoder(**{name: tensor[1:, :99] for name, tensor in inputs.items()}).last_hidden_state
    torch.testing.assert_close(states[1, :99], short[0], atol=1e-5, rtol=1e-5)


def test_ids_without_an_embedding(folders: dict[str, Path]) -> None:
    encoder = opened(folders["bert"]).encoder
    check_ids(79, encoder, folders["bert"])
    with pytest.raises(UserError, match="has the token id 80, but the encoder has only 80 embeddings"):
        check_ids(80, encoder, folders["bert"])


# ---- folders that are refused


def copied(folder: Path, target: Path) -> Path:
    target = target / "copy"
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def other(kind: str, **sizes: Any) -> Callable[[Path], None]:
    """Put a model of another kind into the folder."""

    def put(folder: Path) -> None:
        AutoModel.from_config(AutoConfig.for_model(kind, **sizes)).save_pretrained(folder)

    return put


def pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def pickle_beside_another_file(folder: Path) -> None:
    pickle(folder)
    save_file({"weight": torch.zeros(1)}, folder / "head.safetensors")


def cut(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])


def lose_a_layer(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def lose_a_place(folder: Path) -> None:
    change_config(folder, num_hidden_layers=2)


def own_code(folder: Path) -> None:
    change_config(folder, model_type="own", auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Own"})
    (folder / "own.py").write_text("raise SystemExit('code of a model folder ran')", encoding="utf-8")


T5 = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 80}
GPT = {"n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 80}
VIT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (other("t5", **T5), "t5 is an encoder-decoder; podium fine-tunes encoders alone"),
        (other("gpt2", **GPT), "gpt2 is a decoder here"),
        (other("vit", **VIT), "vit is no encoder of text"),
        (lambda folder: change_config(folder, is_decoder=True), "bert is a decoder here"),
        (lambda folder: (folder / "config.json").unlink(), "there is no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot open the encoder in"),
        (pickle, r"its weights are pickled \(pytorch_model.bin\) and only safetensors are read"),
        (pickle_beside_another_file, "cannot open the encoder in"),
        (lambda folder: (folder / "model.safetensors").unlink(), "there are no weights"),
        (cut, "cannot open the encoder in"),
        (lose_a_layer, "lack 16 parameters of its config.json, such as encoder.layer.1.attention"),
        (lose_a_place, "hold 16 that its config.json has no place for, such as encoder.layer.2.attention"),
        (lambda folder: change_config(folder, hidden_size=32), "cannot open the encoder in"),
        (
            lambda folder: change_config(folder, hidden_size="wide"),
            "'hidden_size': TypeError: .* expected int, got str",
        ),
        (lambda folder: change_config(folder, model_type="bret"), "cannot open the encoder in"),
        (own_code, "it needs code of its own, which is never run"),
    ],
)
def test_an_unusable_folder_is_told_in_one_line(
    folders: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    folder = copied(folders["bert"], tmp_path)
    damage(folder)
    with pytest.raises(UserError, match=message) as error:
        opened(folder)
    assert str(folder) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_weights_that_are_missing_are_random_where_that_is_allowed(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = copied(folders["bert"], tmp_path)
    lose_a_layer(folder)
    with pytest.raises(UserError, match="lack 6 parameters"):
        opened(folder, allow_missing=["encoder.layer.1.attention.*"])
    with pytest.raises(UserError, match="lack 16 parameters"):
        opened(folder, allow_unexpected=["*"])
    torch.manual_seed(1)
    backbone = opened(folder, allow_missing=["encoder.layer.1.*"])
    assert len(backbone.missing) == 16
    assert backbone.pooler_present
    whole = dict(opened(folders["bert"]).encoder.named_parameters())
    for name, tensor in backbone.encoder.named_parameters():
        matrix = name.endswith("weight") and "LayerNorm" not in name
        assert torch.equal(tensor, whole[name]) or (name in backbone.missing), name
        assert not (name in backbone.missing and matrix and torch.equal(tensor, whole[name])), name


@pytest.mark.parametrize("kind", KINDS)
def test_weights_without_a_place_are_an_error_of_each_architecture(
    folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """A layer that config.json does not count would be left aside in silence."""
    folder = copied(folders[kind], tmp_path)
    saved = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    fewer = {key: 2 for key in ("num_hidden_layers", "n_layers") if key in saved}
    if "layer_types" in saved:
        fewer["layer_types"] = saved["layer_types"][:2]
    change_config(folder, **fewer)
    with pytest.raises(UserError, match=r"hold \d+ that its config.json has no place for.*allow_unexpected"):
        opened(folder)
    assert opened(folder, allow_unexpected=["*"]).unexpected


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no config\.json"):
        opened(tmp_path / "none")


def test_an_unknown_attention(folders: dict[str, Path]) -> None:
    with pytest.raises(UserError, match="attention: there is no 'spda'; did you mean 'sdpa'"):
        opened(folders["bert"], attention="spda")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_tokenizer_is_told(folders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    """Without files transformers makes an empty one, which would read every word as unknown."""
    folder = copied(folders[kind], tmp_path)
    for path in folder.iterdir():
        if path.name not in ("config.json", "model.safetensors"):
            path.unlink()
    with pytest.raises(UserError, match="tokenizer in") as error:
        open_tokenizer(folder, token_types=2)
    assert len(str(error.value).splitlines()) == 1


def test_sentencepiece_files_alone(folders: dict[str, Path], tmp_path: Path) -> None:
    """What deberta-v3 has on the Hub; transformers would ask for tiktoken."""
    folder = copied(folders["deberta-v3"], tmp_path)
    (folder / "tokenizer.json").unlink()
    (folder / "spm.model").write_bytes(b"no model")
    with pytest.raises(
        UserError, match=r"it has spm.model and no tokenizer.json; .* sentencepiece and protobuf"
    ):
        open_tokenizer(folder, token_types=0)


def test_the_config_of_the_default_encoder_is_accepted(tmp_path: Path) -> None:
    """A BERT with two token types, whose states a mean pools."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    AutoModel.from_config(BertConfig(vocab_size=30, **sizes)).save_pretrained(tmp_path)
    backbone = opened(tmp_path, max_length=512)
    assert (backbone.hidden, backbone.layers, backbone.token_types) == (32, 1, 2)
