"""Shares of rows, as a person writes them."""

import math

_ROUNDING = 1e-9


def at_most(share: float, rows: int) -> int:
    """Return the greatest number of ``rows`` that is no more than ``share`` of them: 29 is 0.29 of 100.

    Their product as the machine has it is 28.999...
    """
    return math.floor(share * rows + _ROUNDING)
