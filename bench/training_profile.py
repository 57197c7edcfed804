"""Where a training step's time goes, by group of operators (torch.profiler). As a part of ``bench.training``."""

from typing import Any

import numpy as np
import torch

from bench import data_sets
from bench.baselines import Setting
from bench.common import show
from bench.engine import Podium, draw

GROUPS: dict[str, tuple[str, ...]] = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::linear", "mkldnn::_linear", "aten::mkldnn_linear"),
    "attention products": ("aten::bmm", "aten::baddbmm", "aten::_scaled_dot_product"),
    "softmax": ("aten::_softmax", "aten::exp", "aten::_log_softmax", "aten::amax"),
    "layer norm": ("aten::native_layer_norm",),
    "gelu": ("aten::gelu",),
    "dropout": ("aten::native_dropout", "aten::bernoulli", "aten::random_", "aten::bitwise_and"),
    "copies": (
        *("aten::copy_", "aten::_to_copy", "aten::clone", "aten::cat", "aten::fill_", "aten::zero_"),
        *("aten::index", "aten::_index_put", "aten::gather", "aten::constant_pad_nd"),
    ),
    "embedding": ("aten::embedding", "aten::_embedding"),
    "elementwise": (
        "aten::add",
        "aten::mul",
        "aten::div",
        "aten::sub",
        "aten::where",
        "aten::masked_fill",
        "aten::clamp",
    ),
    "sums": ("aten::sum", "aten::mean"),
    "optimizer": ("aten::_fused_adamw", "aten::_foreach", "aten::linalg_vector_norm"),
}
"""Beginnings of operator names; an operator belongs to the group with the longest one that fits."""


def measure(given: Any) -> dict[str, Any]:
    """Profile the engine at each of ``given.lengths`` and print a table."""
    data = data_sets.load(given.data)
    found: dict[str, Any] = {}
    for length in sorted(given.lengths):
        encoder = given.encoder or data_sets.encoder()
        setting = Setting(encoder, len(data.labels), length, 32, given.threads)
        shares, unnamed = profile(data, setting, pool=128 if given.quick else 512)
        found[str(length)] = {"shares": shares, "largest_of_other": unnamed}
        print(f"profile of training, {given.data}, max_length {length}")
        show([{"operators": name, "share %": 100 * share} for name, share in shares.items()], {}, None)
        print("largest of other:", ", ".join(f"{name} {100 * share:.1f}%" for name, share in unnamed.items()))
        print()
    return found


def profile(
    data: data_sets.DataSet, setting: Setting, *, pool: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of self time by group, largest first, and the largest operators of no group.

    The whole fit is profiled, loading of weights and tokenising included: they run no operators to speak of.
    """
    podium, generator = Podium(setting), np.random.default_rng(0)
    podium.train(draw(data, pool, generator))
    on_gpu = setting.device != "cpu"
    kinds = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * on_gpu
    with torch.profiler.profile(activities=kinds, acc_events=True) as profiler:
        podium.train(draw(data, pool, generator))
    seconds: dict[str, float] = {}
    unnamed: dict[str, float] = {}
    for event in profiler.key_averages():
        spent = float(event.self_device_time_total if on_gpu else event.self_cpu_time_total)
        group = group_of(event.key)
        seconds[group] = seconds.get(group, 0.0) + spent
        if group == "other":
            unnamed[event.key] = unnamed.get(event.key, 0.0) + spent
    total = sum(seconds.values())
    return _largest(seconds, total, len(seconds)), _largest(unnamed, total, 5)


def group_of(operator: str) -> str:
    """The group of an operator."""
    fitting = [
        (len(start), group)
        for group, starts in GROUPS.items()
        for start in starts
        if operator.startswith(start)
    ]
    return max(fitting)[1] if fitting else "other"


def _largest(seconds: dict[str, float], total: float, count: int) -> dict[str, float]:
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return {name: spent / total for name, spent in ordered[:count]}
