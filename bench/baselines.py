"""What the engine is measured against: the usual competition notebook, and Hugging Face's Trainer.

Each contender keeps its model between calls. ``train`` takes optimizer steps over the given rows, ``predict`` returns
probabilities; both tell what they cost. Tokenising counts, loading the model does not.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import DataLoader, Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_linear_schedule_with_warmup,
)
from transformers.trainer_pt_utils import get_length_grouped_indices

from bench.clock import Clock, Cost
from bench.fresh import as_shipped

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


@dataclass(frozen=True)
class Setting:
    """What every contender of one comparison shares."""

    encoder: Path
    classes: int
    max_length: int
    batch_size: int
    threads: int
    learning_rate: float = 1e-4
    epochs: int = 1
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Rows:
    """Texts and their class indices (N,)."""

    texts: list[str]
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


class _Texts(Dataset[dict[str, torch.Tensor]]):
    """The notebook's data set: each text is tokenised and padded to ``max_length`` when it is asked for."""

    def __init__(self, rows: Rows, tokenizer: Any, max_length: int) -> None:
        self.rows, self.tokenizer, self.max_length = rows, tokenizer, max_length

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        output = self.tokenizer(
            self.rows.texts[index],
            padding="max_length",
            truncation=True,
            max_length=self.max_length,
            return_tensors="pt",
        )
        item = {name: tensor.squeeze(0) for name, tensor in output.items()}
        item["labels"] = torch.tensor(self.rows.target[index])
        return item


class Notebook:
    """The usual script: padded to ``max_length``, fp32, AdamW, linear schedule, gradients clipped to norm 1.

    ``pad_to_longest`` pads a batch to its longest row only: the same mathematics, for runs that need not be timed.
    """

    def __init__(self, setting: Setting, *, pad_to_longest: bool = False) -> None:
        self.setting, self.pad_to_longest = setting, pad_to_longest
        torch.manual_seed(setting.seed)
        self.tokenizer, self.model = _open(setting)
        self.model.to(setting.device)

    def train(self, rows: Rows, steps: int | None = None) -> Cost:
        """Train ``setting.epochs`` epochs on ``rows``, or only the first ``steps`` batches."""
        setting = self.setting
        clock = Clock()
        with as_shipped(setting.threads), clock.running():
            self.model.train()
            torch.manual_seed(setting.seed)
            loader = self._loader(rows, shuffle=True)
            total = steps or setting.epochs * len(loader)
            optimizer = torch.optim.AdamW(self.model.parameters(), lr=setting.learning_rate)
            schedule = get_linear_schedule_with_warmup(optimizer, round(0.1 * total), total)
            samples = done = 0
            for batch in (batch for _ in range(setting.epochs) for batch in loader):
                loss = self.model(**self._moved(batch)).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                samples, done = samples + len(batch["labels"]), done + 1
                if done == total:
                    break
        return clock.cost(samples, done)

    def predict(self, rows: Rows) -> tuple[np.ndarray, Cost]:
        """Probabilities (N, K) of ``rows``."""
        clock = Clock()
        with as_shipped(self.setting.threads), clock.running(), torch.no_grad():
            self.model.eval()
            loader = self._loader(rows, shuffle=False)
            logits = [self.model(**self._moved(batch)).logits for batch in loader]
            proba = torch.softmax(torch.cat(logits), dim=-1).cpu().numpy()
        return proba, clock.cost(len(rows), len(logits))

    def _loader(self, rows: Rows, *, shuffle: bool) -> "DataLoader[Any]":
        data = _Texts(rows, self.tokenizer, self.setting.max_length)
        return DataLoader(data, batch_size=self.setting.batch_size, shuffle=shuffle)

    def _moved(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        if self.pad_to_longest:
            longest = int(batch["attention_mask"].sum(dim=1).max())
            batch = {name: value if value.ndim == 1 else value[:, :longest] for name, value in batch.items()}
        return {name: value.to(self.setting.device) for name, value in batch.items()}


DEFAULTS: dict[str, Any] = {}
"""The Trainer as it comes."""

BEST: dict[str, Any] = {
    "bf16": True,
    "train_sampling_strategy": "group_by_length",
    "optim": "adamw_torch_fused",
}
"""The fastest options of the Trainer but for ``torch_compile``."""


class HuggingFace:
    """``transformers.Trainer`` on rows that are tokenised once, padded to the longest of a batch.

    ``small_windows`` leaves the windows of its length grouping as they are for so few rows.
    """

    def __init__(
        self,
        setting: Setting,
        options: dict[str, Any],
        *,
        attention: str | None = None,
        small_windows: bool = False,
    ) -> None:
        self.setting, self.options = setting, options
        self.kind = Trainer if small_windows else _WideWindows
        torch.manual_seed(setting.seed)
        self.tokenizer, self.model = _open(setting, attention)

    def train(self, rows: Rows, steps: int | None = None) -> Cost:
        """Train ``setting.epochs`` epochs on ``rows``, or only the first ``steps`` batches."""
        clock = Clock()
        with as_shipped(self.setting.threads), tempfile.TemporaryDirectory() as scratch:
            with clock.running():
                data = self._tokenised(rows)
            trainer = self._trainer(scratch, data, max_steps=steps or -1)
            trainer.add_callback(Between(clock))
            trainer.train()
        done = trainer.state.global_step
        return clock.cost(min(done * self.setting.batch_size, self.setting.epochs * len(rows)), done)

    def predict(self, rows: Rows) -> tuple[np.ndarray, Cost]:
        """Probabilities (N, K) of ``rows``; only in their order where the options do not group by length."""
        clock = Clock()
        with as_shipped(self.setting.threads), tempfile.TemporaryDirectory() as scratch:
            trainer = self._trainer(scratch, None)
            with clock.running():
                output = trainer.predict(self._tokenised(rows))  # type: ignore[arg-type]
        proba = torch.softmax(torch.from_numpy(output.predictions).double(), dim=-1).numpy()
        return proba, clock.cost(len(rows), -(-len(rows) // self.setting.batch_size))

    def leave_gpu(self) -> None:
        """Free the GPU for the next contender; ``train`` comes back to it."""
        self.model.to("cpu")

    def _tokenised(self, rows: Rows) -> list[dict[str, Any]]:
        output = self.tokenizer(rows.texts, truncation=True, max_length=self.setting.max_length)
        fields = {**output, "labels": rows.target.tolist()}
        return [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]

    def _trainer(self, scratch: str, data: list[dict[str, Any]] | None, max_steps: int = -1) -> Trainer:
        setting = self.setting
        arguments = TrainingArguments(
            output_dir=scratch,
            per_device_train_batch_size=setting.batch_size,
            per_device_eval_batch_size=setting.batch_size,
            learning_rate=setting.learning_rate,
            num_train_epochs=setting.epochs,
            max_steps=max_steps,
            seed=setting.seed,
            use_cpu=setting.device == "cpu",
            dataloader_pin_memory=setting.device != "cpu",
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            **self.options,
        )
        trainer = self.kind(
            model=self.model,
            args=arguments,
            train_dataset=data,
            processing_class=self.tokenizer,
            data_collator=DataCollatorWithPadding(self.tokenizer),
        )
        trainer.remove_callback(PrinterCallback)
        wanted = "bf16" if self.options.get("bf16") else "no"
        if trainer.accelerator.mixed_precision != wanted:
            raise ValueError(f"the Trainer computes in {trainer.accelerator.mixed_precision}, not {wanted}")
        return trainer


class _WideWindows(Trainer):
    """Groups by length over windows of 50 batches, or of all rows where they are fewer.

    The Trainer's own windows are a quarter of the rows but no more than 50 batches. On a whole training set of a few
    thousand rows that leaves 2-3% of padding; on a sample of a few hundred it would be 30-60%, which no user sees.
    """

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        return _grouped(train_dataset or self.train_dataset, self.args.train_batch_size)

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_eval_sampler(eval_dataset)
        return _grouped(eval_dataset, self.args.eval_batch_size)


def _grouped(rows: Any, size: int) -> list[int]:
    lengths = [len(row["input_ids"]) for row in rows]
    return get_length_grouped_indices(lengths, size, mega_batch_mult=min(50, -(-len(lengths) // size)))


class Between(TrainerCallback):
    """Runs the clock from the beginning of training to its end."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.clock.start()

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop it."""
        self.clock.stop()


def token_counts(setting: Setting, rows: Rows) -> np.ndarray:
    """Real tokens (N,) of each row, special tokens counted."""
    tokenizer = AutoTokenizer.from_pretrained(setting.encoder, local_files_only=True)
    output = tokenizer(rows.texts, truncation=True, max_length=setting.max_length)
    return np.array([len(ids) for ids in output["input_ids"]])


def _open(setting: Setting, attention: str | None = None) -> tuple[Any, Any]:
    """Tokenizer and classifier, as everybody opens them."""
    chosen = {"attn_implementation": attention} if attention else {}
    model = AutoModelForSequenceClassification.from_pretrained(
        setting.encoder, num_labels=setting.classes, local_files_only=True, **chosen
    )
    return AutoTokenizer.from_pretrained(setting.encoder, local_files_only=True), model
