"""Memory that is freed and asked for again does not fault again, once the heap is kept."""

import subprocess
import sys

import pytest

CODE = """
import resource, torch
from podium.engine.memory import keep_heap
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(48 * 2**18)  # 48 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
usual, kept = faults(), keep_heap()
faults()
print(kept, usual, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has these bounds")
def test_a_kept_heap_does_not_fault_again() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    kept, usual, after = done.stdout.split()
    if kept != "True":
        pytest.skip("this C library has no mallopt")
    # Usually none is left; a heap that something small has split in a bad place may grow a few times more
    assert int(after) < int(usual) / 2
