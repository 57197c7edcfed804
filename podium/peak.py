"""The machine's matrix products: what training could reach at most."""

import time
from typing import Any

import torch

SIZE, REPEATS = 2048, 20


def measure(threads: int) -> dict[str, Any]:
    """Return ``operations_per_second`` of a product of square matrices, and ``device``, what it was measured on.

    The fastest of twenty products of 2048 by 2048 in the precision that training uses there: on a GPU in bfloat16 where
    it has that, else in float16; on a CPU in float32 with that many ``threads``. A product of size n has 2 n^3
    operations. Who else uses the machine makes it slower: measure when it is idle.
    """
    cuda = torch.cuda.is_available()
    if cuda:
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        place, named = (
            torch.device("cuda"),
            f"{torch.cuda.get_device_name()}, {str(dtype).removeprefix('torch.')}",
        )
    else:
        dtype, place = torch.float32, torch.device("cpu")
        named = f"CPU, float32, {threads} threads"
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        one, other = (torch.randn(SIZE, SIZE, device=place).to(dtype) for _ in range(2))
        with torch.inference_mode():
            seconds = min(_seconds(one, other, cuda) for _ in range(REPEATS))
    finally:
        torch.set_num_threads(before)
    return {"operations_per_second": 2.0 * SIZE**3 / seconds, "device": named}


def _seconds(one: torch.Tensor, other: torch.Tensor, cuda: bool) -> float:
    started = time.perf_counter()
    one @ other
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started
