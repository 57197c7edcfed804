"""Names of metrics with a number in them: ``f2``, ``macro_f0.5``, ``map_at_3``, ``top_5_accuracy``."""

import re

_F = re.compile(r"((?:macro_|micro_|weighted_|samples_)?f)([0-9]+(?:\.[0-9]+)?)")
_MAP = re.compile(r"(map_at)_([0-9]+)")
_TOP = re.compile(r"(top)_([0-9]+)_accuracy")
PATTERN = "|".join(f"^{pattern.pattern}$" for pattern in (_F, _MAP, _TOP))

BY_BETA = {
    "f_beta": "f",
    "macro_f_beta": "macro_f",
    "micro_f_beta": "micro_f",
    "weighted_f_beta": "weighted_f",
    "samples_f_beta": "samples_f",
}
BY_K = {"map_at_k": "map_at_{}", "top_k_accuracy": "top_{}_accuracy"}


def family(metric: str) -> tuple[str, float] | None:
    """Return the family and the number of such a name; None for other names. The number is above 0."""
    for pattern in (_F, _MAP, _TOP):
        found = pattern.fullmatch(metric)
        if found and float(found[2]) > 0:
            return found[1], float(found[2])
    return None


def with_beta(name: str, beta: float) -> str:
    """Return the name of a metric of ``BY_BETA`` with its number."""
    return f"{BY_BETA[name]}{beta:g}"


def with_k(name: str, k: int) -> str:
    """Return the name of a metric of ``BY_K`` with its number."""
    return BY_K[name].format(k)


def plain(metric: str) -> str:
    """Return the name with its number in the shortest form: ``f1.0`` is ``f1``."""
    found = family(metric)
    return f"{found[0]}{found[1]:g}" if found and found[0].endswith("f") else metric
