"""The keys of a ``multitask`` model's config block."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from podium.engine.multitask.balance import BalanceOptions
from podium.engine.pooling import PoolingOptions
from podium.errors import UserError
from podium.models import transformer_options
from podium.models.multitask_checks import impossible

MODES = ("heads", "queries", "flat")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options(transformer_options.Options):
    """See ``podium.config.multitask.Multitask``; ``tasks`` are the T tasks' names in the order of their numbers."""

    mode: str
    tasks: list[str]
    sampling: str
    balance: dict[str, Any]

    def pooled(self) -> PoolingOptions:
        """How token states become one vector; that of ``queries`` is made apart."""
        name = "query" if self.mode == "queries" else self.pooling
        return PoolingOptions(name=name, dropout=self.dropout)

    def balancing(self) -> BalanceOptions:
        """How the tasks' losses become one."""
        return BalanceOptions(**self.balance)


def check(options: Options, sizes: Sequence[int]) -> None:
    """Raise ``UserError`` with every mistake of ``options`` for tasks of ``sizes`` (T) classes."""
    found = list(_mistakes(options, sizes))
    if found:
        raise UserError("multitask: " + "; ".join(found))


def _mistakes(options: Options, sizes: Sequence[int]) -> Iterator[str]:
    if options.mode not in MODES:
        yield f"mode: {options.mode!r} is none of {', '.join(MODES)}"
    if len(sizes) != len(options.tasks):
        yield f"tasks: {len(options.tasks)} names, but labels of {len(sizes)} tasks"
    yield from impossible(
        mode=options.mode,
        loss=options.loss["name"],
        balance=options.balance["method"],
        lora=options.lora is not None,
        stopping=options.stopping is not None,
        patience=options.stopping is not None and options.stopping["patience"] is not None,
        average=None if options.average is None else str(options.average["method"]),
    )
