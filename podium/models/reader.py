"""``reader``: a pretrained encoder, fine-tuned to find the answer of a question in its context.

Shapes: N questions, W windows, L tokens.
"""

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch

from podium import tokens
from podium.engine.backbones import Backbone
from podium.engine.batching import BUDGET
from podium.engine.chunks import ChunkPooling
from podium.engine.inputs import Encoded
from podium.engine.losses import Loss
from podium.engine.network import Network
from podium.engine.objective import Rows, ids_of
from podium.engine.pooling import Pooling
from podium.engine.shortage import in_batches
from podium.engine.spans import MASKED, SpanLoss, SpanNetwork, SpanObjective, Tokens
from podium.engine.stopping import inner_split
from podium.engine.team.fitting import shared
from podium.engine.template import Template
from podium.errors import UserError
from podium.files import read_json, write_json
from podium.models import transformer
from podium.models.reader_options import Options
from podium.seeds import derive
from podium.span.answers import decode_all, trainable
from podium.span.merge import KEPT, merge
from podium.span.placement import Drawn, draw_windows, places
from podium.span.predictions import Spans
from podium.span.windows import NULL, Texts, all_windows, before_context, encode, rooms, tokenise

__all__ = ["Model", "Options"]

log = logging.getLogger(__name__)

FACTS = "reader.json"


class Model(transformer.Model):
    """One fine-tuned reader; follows ``podium.span.members.Member``."""

    OPTIONS: ClassVar[type[Any]] = Options
    SOURCE = "podium/models/reader.py"
    options: Options  # type: ignore[assignment]

    def __init__(self, options: Options, *, seed: int, device: str, threads: int, classes: int = 2) -> None:
        # `classes` is what the engine calls the outputs: start and end
        super().__init__(options, classes=classes, seed=seed, device=device, threads=threads)  # type: ignore[arg-type]
        self.max_length = options.max_length
        self.nulls = False
        self.skipped = 0

    @shared
    def fit(  # type: ignore[override]
        self,
        rows: pd.DataFrame,
        target: Sequence[str],
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        start: Path | None = None,
    ) -> None:
        """Fine-tune on questions ``text_a`` with contexts ``text_b`` (N) and their targets (``podium.span.answers``).

        Rows whose answers do not stand in the context, or that no window can hold, are left out; ``skipped`` counts
        them. A run that was killed goes on from its checkpoint in ``scratch``. ``start`` is the folder of a saved
        reader with these options to go on from. ``rows`` may have ``cluster`` and ``real`` (``podium.train.FoldData``).

        Raises
        ------
        UserError
            No row can be trained on; see ``podium.span.windows.rooms``.
        """
        answers = decode_all(target)
        texts, room = self._read(rows)
        usable = np.array([place for place, own in enumerate(answers) if trainable(own)], dtype=np.int64)
        drawn = draw_windows(
            *(texts, room, answers, usable),
            draws=math.ceil(self.options.epochs),
            negatives=self.options.negatives,
            seed=derive(self.seed, "windows"),
        )
        self.skipped = len(rows) - len(usable) + drawn.skipped
        if not len(drawn.target):
            raise UserError("reader: none of the training questions has an answer in a window of its context")
        self.nulls = bool((drawn.target < 0).any())
        assert self._template is not None
        encoded = encode(texts, drawn.windows, self._template, max_length=self.max_length, nulls=self.nulls)
        log.info(
            "reader: %d questions, %d left out; %d windows an epoch, %.1f%% of them without an answer",
            *(len(rows), self.skipped, len(drawn.target) // (drawn.draw[-1] + 1)),
            100 * (drawn.target[:, 0] < 0).mean(),
        )
        before = before_context(texts, drawn.windows, self._template)
        ids = ids_of(rows)

        def train(pruned: Encoded, fresh: frozenset[str]) -> None:
            data = Rows(
                pruned,
                torch.from_numpy(places(drawn, before)).to(self.device),
                torch.as_tensor(weight[drawn.windows.row], dtype=torch.float32, device=self.device),
                turns=np.stack([drawn.draw, np.full(len(drawn.draw), drawn.draw[-1] + 1)], axis=1),
                ids=None if ids is None else ids[drawn.windows.row],
            )
            self._train_windows(data, rows, drawn, fresh, scratch)

        self._finetune(encoded, np.ones(self.classes), start, train)

    def _read(self, rows: pd.DataFrame) -> tuple[Texts, np.ndarray]:
        """Tokens of questions and contexts, and the room for context (N,) that each question leaves in a window."""
        tokenizer = tokens.open_tokenizer(Path(self.options.encoder))
        if self._template is None:
            self._template = Template.of(tokenizer)
        options = self.options.windows()
        texts = tokenise(tokenizer, rows, max_question=options.max_question)
        return texts, rooms(texts, self._template, options)

    def _train_windows(
        self, data: Rows, rows: pd.DataFrame, drawn: Drawn, fresh: frozenset[str], scratch: Path | None
    ) -> None:
        recipe = self.options.recipe()
        trained, held = np.arange(len(drawn.target)), np.zeros(0, dtype=np.int64)
        if recipe.stopping is not None:
            trained, held = self._inner_windows(rows, drawn, recipe.stopping.share)
        evaluate = (lambda: self._inner_loss(data, held)) if len(held) else None
        self._finetune_on(SpanObjective, data, trained, held, evaluate, fresh, scratch)

    def _inner_windows(self, rows: pd.DataFrame, drawn: Drawn, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Windows to train on, and those of the first draw to choose the epoch by; no cluster is on both sides."""
        cluster = rows["cluster"].to_numpy() if "cluster" in rows.columns else pd.factorize(rows["text_b"])[0]
        real = rows["real"].to_numpy(dtype=bool) if "real" in rows.columns else np.ones(len(rows), dtype=bool)
        own = np.flatnonzero(real)
        chosen = inner_split(
            cluster[own], np.zeros(len(own), dtype=np.int64), share=share, seed=derive(self.seed, "stopping")
        )
        held = own[chosen]
        row = drawn.windows.row
        away = np.isin(cluster, cluster[held])[row]
        return np.flatnonzero(~away), np.flatnonzero(np.isin(row, held) & (drawn.draw == 0))

    def _inner_loss(self, data: Rows, held: np.ndarray) -> float:
        """Minus the mean loss of windows, weighted."""
        assert self._loss is not None
        total = torch.zeros((), dtype=torch.float64)
        self.network.eval()

        def loss_of(part: np.ndarray) -> torch.Tensor:
            index = torch.from_numpy(held[part]).to(self.device)
            batch = data.encoded.batch(held[part], self.device, multiple=1)
            assert self._loss is not None
            return self._loss(self.network(batch), data.target[index], data.weight[index]).cpu()

        with torch.inference_mode():
            for _, loss in in_batches(loss_of, data.encoded.widths[held], BUDGET[self.device.type]):
                total += loss
        self.network.train()
        weight = float(data.weight[torch.from_numpy(held).to(self.device)].sum())
        return -float(total) / weight

    def predict(self, rows: pd.DataFrame) -> Spans:  # type: ignore[override]
        """Return the predictions for questions ``id``, ``text_a`` with contexts ``text_b``, over all their windows."""
        texts, room = self._read(rows)
        assert self._template is not None
        windows = all_windows(texts, room, overlap=self.options.overlap)
        encoded = encode(texts, windows, self._template, max_length=self.max_length, nulls=self.nulls)
        window, token, scores = self._best(encoded)
        place = texts.context.starts[texts.of[windows.row]] + windows.first
        place = place - before_context(texts, windows, self._template)
        entries = []
        for half, bounds in ((0, texts.start), (1, texts.end - 1)):
            known = np.isfinite(scores[half])
            own = window[half][known]
            source = place[own] + token[half][known]
            entries.append((windows.row[own], bounds[source].astype(np.int64), scores[half][known]))
        return merge(rows["id"].tolist(), entries[0], entries[1], nulls=self.nulls)

    def _best(self, encoded: Encoded) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
        """Window, token and score of the best starts and ends of each window; -inf for what is no place of an answer.

        Scores are log-odds against ``NULL`` where the model knows that outcome.
        """
        found: list[list[list[np.ndarray]]] = [[[], []], [[], []], [[], []]]
        training = self.network.training
        self.network.eval()

        def best_of(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            scores = (
                self.network(encoded.batch(part, self.device, multiple=1)).double().unflatten(-1, (2, -1))
            )
            if self.nulls:
                scores = scores - scores[..., NULL : NULL + 1]
                scores[..., NULL] = 2 * MASKED
            best = scores.topk(min(KEPT, scores.shape[-1]), dim=-1)
            values = torch.where(best.values > MASKED / 2, best.values, -math.inf).cpu().numpy()
            return values, best.indices.cpu().numpy()

        with torch.inference_mode():
            for part, (values, where) in in_batches(best_of, encoded.widths, BUDGET[self.device.type]):
                for half in (0, 1):
                    found[0][half].append(np.repeat(part, values.shape[-1]))
                    found[1][half].append(where[:, half].ravel())
                    found[2][half].append(values[:, half].ravel())
        self.network.train(training)
        window, token, score = ([np.concatenate(half) for half in column] for column in found)
        return window, token, score

    def save(self, folder: Path) -> None:
        """See ``podium.models.transformer.Model.save``."""
        super().save(folder)
        write_json({"nulls": self.nulls, "skipped": self.skipped}, folder / FACTS)

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        model = super().load(folder, device=device, threads=threads)
        facts = read_json(folder / FACTS)
        model.nulls, model.skipped = facts["nulls"], facts["skipped"]
        return model

    # ---- what the training of a classifier asks for

    def _make_loss(self, counts: np.ndarray) -> Loss:
        return SpanLoss(smoothing=self.options.smoothing)

    def _make_pooling(self, backbone: Backbone) -> Pooling:
        return Tokens(backbone.hidden)

    def _make_chunks(self, pooling: Pooling) -> ChunkPooling | None:
        return None

    def _network_type(self) -> Callable[..., Network]:
        return SpanNetwork
