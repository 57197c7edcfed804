"""All that is known of one member: what the config says, the texts, the encoder, and what a run left."""

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from podium.diagnose import network, results, texts
from podium.diagnose.member import Member
from podium.diagnose.network import Encoder
from podium.diagnose.results import FoldRun, HeldOut
from podium.diagnose.texts import Texts, Tokenizing
from podium.engine.optimization import total_steps
from podium.errors import UserError
from podium.files import read_json

Found = TypeVar("Found")

#: Tricks whose loss is another one than that of the labels alone.
OTHER_LOSS = ("adversarial", "mixup", "r_drop", "distillation", "word_dropout")


@dataclasses.dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Facts:
    """What the causes are looked for in; what is not known is None or empty.

    ``notes`` say what could not be looked at and why. ``others`` are the other members of the task, who know of no
    others in turn.
    """

    member: Member
    texts: Texts | None
    tokenizing: Tokenizing | None
    encoder: Encoder | None
    runs: list[FoldRun]
    held_out: HeldOut | None
    profile: dict[str, Any] | None
    pretraining: dict[str, Any] | None
    notes: list[str]
    others: "list[Facts]"

    @property
    def options(self) -> dict[str, Any]:
        """The member's options."""
        return self.member.options

    @property
    def curves(self) -> list[tuple[int, pd.DataFrame]]:
        """Fold and learning curve of each training that has one."""
        return [(run.fold, run.steps) for run in self.runs if run.steps is not None]

    @property
    def plain_loss(self) -> bool:
        """Whether the training loss is that of the labels alone, as a log loss counts it."""
        loss = self.options.get("loss")
        if not loss or loss["name"] not in ("cross_entropy", "binary"):
            return False
        shaped = any(loss.get(key) for key in ("class_weight", "smoothing", "logit_adjustment"))
        return not shaped and not any(self.options.get(trick) for trick in OTHER_LOSS)

    def chance_loss(self, run: FoldRun) -> float | None:
        """The loss of one who knows the shares of the classes, and nothing of the texts; None where it is not known."""
        if not self.plain_loss or run.card is None or "training_rows_per_class" not in run.card:
            return None
        rows = run.card["training_rows_per_class"]
        rows = rows[self.member.task] if self.member.joint else rows
        counts = np.array(list(rows.values()), dtype=np.float64)
        if self.member.type == "single_label":
            shares = counts[counts > 0] / counts.sum()
            return float(-(shares * np.log(shares)).sum())
        shares = np.clip(counts / max(1, sum(run.card["training_rows"].values())), 1e-12, 1 - 1e-12)
        return float(-(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).mean())

    def steps(self) -> int | None:
        """Optimizer steps of one training: those made, else those that the config asks for; None: has no steps."""
        if self.curves:
            return min(len(curve) for _, curve in self.curves)
        if "batch_size" not in self.options or self.texts is None or self.member.joint:
            return None
        rows = self.texts.rows * (self.member.folds - 1) / self.member.folds
        batch = float(self.options["batch_size"])
        if self.options.get("batch_tokens"):
            batch = max(1.0, self.options["batch_tokens"] / max(1.0, float(self.texts.kept.mean())))
        per_epoch = max(1, math.ceil(rows / batch))
        return total_steps(per_epoch, epochs=self.options["epochs"], steps=self.options.get("steps"))


class Gathering:
    """Gathers facts; what several members share is looked at once."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def facts(self, member: Member) -> Facts:
        """Gather the facts of one member."""
        notes: list[str] = []
        number = results.last_round(member)
        runs = results.runs_of(member, number)
        if changed := results.changed_options(member, runs):
            runs = []
            notes.append(
                f"the results are of another config ({', '.join(changed[:3])}), so only config, texts and weights were "
                "looked at; run snakemake, then look again"
            )
        elif not runs:
            notes.append("it is not trained yet: only config, texts and weights were looked at")
        lengths, tokenizing = self._read(member, notes)
        return Facts(
            member=member,
            texts=lengths,
            tokenizing=tokenizing,
            encoder=self._encoder(member, lengths, notes),
            runs=runs,
            held_out=results.held_out(member, number, runs) if runs else None,
            profile=None if member.type == "span" else _json(member.made("ingest") / "profile.json"),
            pretraining=None if member.pretrained is None else _json(member.pretrained),
            notes=notes,
            others=[],
        )

    def _read(self, member: Member, notes: list[str]) -> tuple[Texts | None, Tokenizing | None]:
        """What the member reads of its texts."""
        words = member.kind == "textcnn"
        if member.tokenizer is None and not words:
            return None, None
        if member.tokenizer is not None and not member.tokenizer.is_dir():
            notes.append(f"{member.tokenizer} is not there yet: texts and weights were not looked at")
            return None, None
        try:
            rows = self._once((member.train, member.task), partial(texts.raw_rows, member))
            views = self._once((member.view, member.task), partial(texts.viewed, member, rows))
            if words:
                return texts.of_words(member, views, len(rows)), None
            key = (member.tokenizer, member.view, member.task, member.model)
            return self._once(key, partial(texts.of_encoder, member, views, len(rows)))
        except (UserError, OSError) as error:
            notes.append(f"the texts could not be looked at: {str(error).splitlines()[0]}")
            return None, None

    def _encoder(self, member: Member, lengths: Texts | None, notes: list[str]) -> Encoder | None:
        folder = member.encoder
        if folder is None:
            return None
        if not (folder / "config.json").is_file():
            note = f"{folder} is not there yet: its weights were not looked at"
            if not any(str(folder) in told for told in notes):
                notes.append(note)
            return None
        length = None if lengths is None else lengths.max_length
        asked = [str(member.options.get(key)) for key in ("allow_missing", "allow_unexpected")]
        key = (folder, length, member.options.get("gradient_checkpointing"), *asked)
        return self._once(key, partial(network.opened, folder, member.options, length))

    def _once(self, key: Any, find: Callable[[], Found]) -> Found:
        if key not in self._known:
            self._known[key] = find()
        found: Found = self._known[key]
        return found


def with_others(found: list[Facts]) -> list[Facts]:
    """Tell each member of the others of its task."""
    return [
        dataclasses.replace(
            facts,
            others=[
                other for other in found if other is not facts and other.member.task == facts.member.task
            ],
        )
        for facts in found
    ]


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    found: dict[str, Any] = read_json(path)
    return found
