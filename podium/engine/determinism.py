"""The same bytes from the same seed, without paying for more."""

import torch

from podium.engine.memory import keep_heap


def set_up(device: str, threads: int) -> None:
    """Fix what a result depends on besides data, settings and seed: kernels, and the number of CPU ``threads``.

    Deterministic kernels would also fill each new tensor before use, to show reads of what was never written: some
    hundredths of a step on a CPU, and no such read here (the tests compare with other implementations).
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device == "cpu":
        keep_heap()
