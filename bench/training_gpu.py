"""Fine-tuning speed on a GPU beside the Trainer's best: tokens a second, share of the peak, memory.

As a part of ``bench.training``. Encoders of 22M, 110M and 335M parameters with random weights, the tokenizer of the
default encoder, texts of the data set; the peak is a large bf16 matrix product measured in the same run.
"""

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertModel

from bench import data_sets
from bench.baselines import BEST, HuggingFace, Setting, token_counts
from bench.ceiling import Probe, Sizes, useful_flops
from bench.common import show
from bench.engine import Podium, draw

ENCODERS = {"22M": Sizes(6, 384, 1536), "110M": Sizes(12, 768, 3072), "335M": Sizes(24, 1024, 4096)}
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def measure(given: Any) -> dict[str, Any]:
    """Measure each encoder and print the table."""
    if not torch.cuda.is_available():
        print("skipped: there is no GPU that torch can use")
        return {}
    data = data_sets.load(given.data)
    rounds, pool = (1, 512) if given.quick else (3, 4096)
    peak = Probe(Sizes(1, 8192, 8192), 8192, torch.bfloat16, "cuda").measure().best
    table = []
    for name, sizes in ENCODERS.items():
        for length in sorted(given.lengths):
            with tempfile.TemporaryDirectory() as scratch:
                folder = random_encoder(sizes, Path(scratch))
                setting = Setting(folder, len(data.labels), length, 32, given.threads, device="cuda:0")
                table += _compare(data, setting, sizes, peak, rounds=rounds, pool=pool, name=name)
    print(f"GPU, {given.data}; peak {peak / 1e12:.0f} TFLOP/s (bf16, 8192 x 8192 x 8192)")
    show(table, {}, None)
    return {"gpu": torch.cuda.get_device_name(0), "peak": peak, "table": table}


def random_encoder(sizes: Sizes, folder: Path) -> Path:
    """A BERT with random weights and the default encoder's tokenizer in ``folder``."""
    source = data_sets.encoder()
    for file in TOKENIZER:
        shutil.copy(source / file, folder / file)
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.hidden // 64 if sizes.hidden > 384 else 12,
        intermediate_size=sizes.inner,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def _compare(
    data: data_sets.DataSet, setting: Setting, sizes: Sizes, peak: float, *, rounds: int, pool: int, name: str
) -> list[dict[str, Any]]:
    contenders: dict[str, Any] = {
        "trainer_best": HuggingFace(setting, BEST, attention="sdpa"),
        "trainer_best_compiled": HuggingFace(setting, {**BEST, "torch_compile": True}, attention="sdpa"),
        "podium": Podium(setting),
    }
    seconds: dict[str, list[float]] = {who: [] for who in contenders}
    memory: dict[str, float] = {}
    tokens, flops = [], []
    for number in range(rounds + 2):  # two to warm up: kernels, then compiled shapes
        rows = draw(data, pool, np.random.default_rng(number))
        lengths = token_counts(setting, rows)
        tokens.append(float(lengths.sum()))
        flops.append(useful_flops(sizes, lengths))
        for who, contender in contenders.items():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            seconds[who].append(contender.train(rows).wall_seconds)
            memory[who] = torch.cuda.max_memory_allocated() / 2**30
            contender.leave_gpu()
    ours = seconds["podium"]
    return [
        {
            "encoder": name,
            "max_length": setting.max_length,
            "contender": who,
            "tokens / s": statistics.median(t / s for t, s in zip(tokens[2:], mine[2:], strict=True)),
            "share of peak %": 100
            * statistics.median(f / s / peak for f, s in zip(flops[2:], mine[2:], strict=True)),
            "engine is faster by": statistics.median(m / o for m, o in zip(mine[2:], ours[2:], strict=True)),
            "memory GiB": memory[who],
        }
        for who, mine in seconds.items()
    ]
