"""Keep freed memory in the process: a training step frees and asks for the same blocks again and again."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3), glibc
LARGE = 1 << 30


def keep_heap() -> bool:
    """Tell glibc to serve blocks up to 1 GiB from its heap and to give nothing back to the system; whether it heard.

    By default each activation is mapped anew, so that every page of it faults again in every step: some 60,000 faults
    and a tenth to a fifth of a CPU step's time. Other C libraries are left alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGE)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
