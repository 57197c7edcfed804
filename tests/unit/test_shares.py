"""Shares of rows are those of the decimal numbers that stand in a config."""

import math
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from podium.shares import at_most


@given(st.integers(0, 1000), st.integers(0, 10_000))
def test_the_share_is_the_decimal_number(thousandths: int, rows: int) -> None:
    exact = Decimal(thousandths) / 1000
    assert at_most(float(exact), rows) == math.floor(exact * rows)
