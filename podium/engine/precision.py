"""Which number format a device is fast in."""

import logging

import torch

log = logging.getLogger(__name__)


def compute_dtype(wanted: str, device: str) -> torch.dtype:
    """The format that ``wanted`` ("auto", "bf16", "fp32") means on ``device`` ("cpu" or "cuda")."""
    if wanted == "auto" and device == "cuda" and not fast_bf16(device):
        log.warning("precision: this GPU has no bf16, so auto is fp32 here")
    bf16 = wanted == "bf16" or (wanted == "auto" and fast_bf16(device))
    return torch.bfloat16 if bf16 else torch.float32


def fast_bf16(device: str) -> bool:
    """Whether ``device`` ("cpu" or "cuda") multiplies bf16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in capability and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
