"""Tiny random encoders of the architectures that people fine-tune, and folders of them with a tokenizer."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    BertTokenizerFast,
    DebertaV2Tokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 80,
    "max_position_embeddings": 40,
}
# In the way of microsoft/deberta-v3 and -v2: relative positions alone, a norm of their own, in v2 a convolution
RELATIVE: dict[str, Any] = SIZES | {
    "relative_attention": True,
    "position_biased_input": False,
    "position_buckets": 8,
    "max_relative_positions": -1,
    "pos_att_type": ["p2c", "c2p"],
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "type_vocab_size": 0,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "roberta": SIZES | {"type_vocab_size": 1, "pad_token_id": 1},
    "xlm-roberta": SIZES | {"type_vocab_size": 1, "pad_token_id": 1},
    "electra": SIZES | {"embedding_size": 8},
    "distilbert": {
        **{"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24},
        **{"vocab_size": 80, "max_position_embeddings": 40},
    },
    "deberta-v3": RELATIVE,
    "deberta-v2": RELATIVE | {"conv_kernel_size": 3, "conv_act": "gelu"},
    "modernbert": SIZES
    | {"local_attention": 8, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    | {"cls_token_id": 2, "sep_token_id": 3},
    "albert": SIZES | {"embedding_size": 8},  # its layers are one, used several times
}
KINDS = [kind for kind in SETTINGS if kind != "albert"]


def random_encoder(kind: str, *, seed: int = 0, **changes: Any) -> nn.Module:
    """A tiny encoder with random weights and the architecture's usual dropouts."""
    torch.manual_seed(seed)
    config = AutoConfig.for_model(
        "deberta-v2" if kind == "deberta-v3" else kind, **{**SETTINGS[kind], **changes}
    )
    encoder: nn.Module = AutoModel.from_config(config)
    return encoder


def _bytes(kind: str) -> Any:
    """Byte-level BPE, as RoBERTa and ModernBERT have it."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    if kind == "modernbert":
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = {token: number for number, token in enumerate([*special, "\u0120", *LETTERS, "th", "the"])}
    merges = [("t", "h"), ("th", "e")]
    if kind == "roberta":
        return RobertaTokenizer(vocab=vocab, merges=merges)
    raw = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=raw, mask_token="[MASK]", **names)


def _pieces(kind: str) -> Any:
    """Unigram pieces of SentencePiece, as XLM-R and DeBERTa have them."""
    pieces = [(piece, -2.0) for piece in ["\u2581", *LETTERS, *(f"\u2581{letter}" for letter in LETTERS)]]
    if kind == "xlm-roberta":
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        return XLMRobertaTokenizer(vocab=[*((token, 0.0) for token in special), *pieces])
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    return DebertaV2Tokenizer(vocab=[*((token, 0.0) for token in special), *pieces], unk_id=3)


def write(kind: str, folder: Path, **changes: Any) -> Path:
    """Write a tiny encoder and a tokenizer of the sort that its kind comes with; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind in ("roberta", "modernbert"):
        tokenizer = _bytes(kind)
    elif kind in ("xlm-roberta", "deberta-v2", "deberta-v3"):
        tokenizer = _pieces(kind)
    else:
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{x}" for x in LETTERS)]
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    tokenizer.save_pretrained(folder)
    random_encoder(kind, **changes).save_pretrained(folder)  # type: ignore[operator]
    return folder


class Network(nn.Module):
    """An encoder with what stands on it: a pooling with weights of its own and a head."""

    def __init__(self, encoder: nn.Module, hidden: int = 16, classes: int = 3) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling, self.head = nn.Linear(hidden, hidden), nn.Linear(hidden, classes)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        states = self.encoder(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1)
        return self.head(torch.tanh(self.pooling((states * mask).sum(dim=1) / mask.sum(dim=1))))


def batch(rows: int = 4, length: int = 9, *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random token ids (rows, length) that every encoder here has, the last tokens of each row but one padding."""
    torch.manual_seed(seed)
    mask = torch.ones(rows, length, dtype=torch.int64)
    for row in range(1, rows):
        mask[row, length - row :] = 0
    return {"input_ids": torch.randint(5, 30, (rows, length)), "attention_mask": mask}
