"""Which number format a device is fast in."""

import torch


def fast_bf16(device: str) -> bool:
    """Whether ``device`` ("cpu" or "cuda") multiplies bf16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in capability and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
