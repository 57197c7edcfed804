"""What the reader is measured against: the question-answering example of transformers, written anew as documented.

Contexts are cut into all windows of ``max_length`` tokens that share ``doc_stride``, padded to the full length; a
window that does not hold the whole first answer has its target at the first token. ``Trainer`` trains
``AutoModelForQuestionAnswering`` over all windows, in fp32, the rate falling linearly from the start. In prediction the
20 best starts and ends of each window make spans of 30 tokens at most; the best sum of logits over all windows wins,
or "no answer" where the windows' least score of it is higher.
"""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    default_data_collator,
)

from bench.baselines import Between
from bench.clock import Clock, Cost
from bench.fresh import as_shipped
from podium.span.answers import decode, placed

N_BEST, LONGEST = 20, 30


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What both contenders share, and the recipe's own ``learning_rate``."""

    encoder: Path
    max_length: int
    doc_stride: int
    batch_size: int
    epochs: int
    learning_rate: float
    threads: int
    seed: int


class Example:
    """The example's model, opened anew."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        self.tokenizer = AutoTokenizer.from_pretrained(recipe.encoder, local_files_only=True)
        self.model = AutoModelForQuestionAnswering.from_pretrained(recipe.encoder, local_files_only=True)

    def train(self, rows: pd.DataFrame) -> Cost:
        """Train on questions (N) with contexts and targets; tokenising counts, opening the model does not."""
        recipe, clock = self.recipe, Clock()
        with as_shipped(recipe.threads), tempfile.TemporaryDirectory() as scratch:
            with clock.running():
                data = self._windows(rows)
                for window, row in zip(data, [one.pop("row") for one in data], strict=True):
                    start, end = self._target(window, rows["target"].iloc[row])
                    window |= {"start_positions": start, "end_positions": end}
                    del window["offsets"]
            trainer = Trainer(
                model=self.model,
                args=TrainingArguments(
                    output_dir=scratch,
                    per_device_train_batch_size=recipe.batch_size,
                    learning_rate=recipe.learning_rate,
                    num_train_epochs=recipe.epochs,
                    seed=recipe.seed,
                    use_cpu=True,
                    dataloader_pin_memory=False,
                    report_to="none",
                    save_strategy="no",
                    disable_tqdm=True,
                ),
                train_dataset=data,
                data_collator=default_data_collator,
            )
            trainer.remove_callback(PrinterCallback)
            trainer.add_callback(Between(clock))
            trainer.train()
        return clock.cost(recipe.epochs * len(rows), trainer.state.global_step)

    def answer(self, rows: pd.DataFrame, *, null: bool) -> list[str]:
        """Return the answers (N); with ``null`` questions may be left without one."""
        best: list[tuple[float, str]] = [(-np.inf, "")] * len(rows)
        nothing = np.full(len(rows), np.inf)
        self.model.eval()
        with as_shipped(self.recipe.threads), torch.inference_mode():
            for window in self._windows(rows):
                row, offsets = window.pop("row"), window.pop("offsets")
                output = self.model(**{name: torch.tensor([ids]) for name, ids in window.items()})
                start, end = output.start_logits[0].numpy(), output.end_logits[0].numpy()
                nothing[row] = min(nothing[row], start[0] + end[0])
                found = _best_span(start, end, offsets)
                if found is not None and found[0] > best[row][0]:
                    best[row] = found[0], rows["text_b"].iloc[row][found[1] : found[2]]
        return [
            "" if null and none > score else text for (score, text), none in zip(best, nothing, strict=True)
        ]

    def _windows(self, rows: pd.DataFrame) -> list[dict[str, Any]]:
        output = self.tokenizer(
            [question.lstrip() for question in rows["text_a"]],
            rows["text_b"].tolist(),
            truncation="only_second",
            max_length=self.recipe.max_length,
            stride=self.recipe.doc_stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )
        windows = []
        names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in output]
        for number, row in enumerate(output["overflow_to_sample_mapping"]):
            segments = output.sequence_ids(number)
            offsets = [
                pair if segment == 1 else None
                for pair, segment in zip(output["offset_mapping"][number], segments, strict=True)
            ]
            windows.append({name: output[name][number] for name in names} | {"row": row, "offsets": offsets})
        return windows

    def _target(self, window: dict[str, Any], target: str) -> tuple[int, int]:
        """First and last token of the first answer, or 0 and 0."""
        own = [(place, pair) for place, pair in enumerate(window["offsets"]) if pair is not None]
        answers = placed(decode(target))
        if not answers or not own or own[0][1][0] > answers[0].start or own[-1][1][1] < answers[0].end:
            return 0, 0
        start = max(place for place, (low, _) in own if low <= answers[0].start)
        return start, min(place for place, (_, high) in own if high >= answers[0].end)


def _best_span(start: np.ndarray, end: np.ndarray, offsets: list[Any]) -> tuple[float, int, int] | None:
    """Score and characters of the best span of a window; None where there is none."""
    best = None
    for low in np.argsort(-start)[:N_BEST].tolist():
        for high in np.argsort(-end)[:N_BEST].tolist():
            if offsets[low] is None or offsets[high] is None or not low <= high < low + LONGEST:
                continue
            score = float(start[low] + end[high])
            if best is None or score > best[0]:
                best = score, offsets[low][0], offsets[high][1]
    return best
