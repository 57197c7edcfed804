"""Seeds derived from the run's seed and the name of what they are for."""

import hashlib


def derive(seed: int, *parts: str | int) -> int:
    """Return a seed in [0, 2**31) that depends on every part, the same on every machine and run."""
    text = "\x1f".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
