"""``transformer``: a pretrained encoder, fine-tuned with a pooled head by the engine.

Shapes: N rows, K classes, labels or values, O outputs of the head.
"""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

from podium import tokens
from podium.engine.backbones import Backbone, check_ids, open_backbone
from podium.engine.batching import BUDGET
from podium.engine.checkpoint import Checkpoint, fingerprint
from podium.engine.chunks import ChunkPooling
from podium.engine.determinism import set_up
from podium.engine.head import Head
from podium.engine.inputs import Batch, Encoded, choose_length, compose, full_lengths, prune_vocabulary
from podium.engine.loop import Finetuning
from podium.engine.lora import add_lora, merge_lora
from podium.engine.losses import Loss, make_loss
from podium.engine.network import Network
from podium.engine.objective import Objective, Rows, ids_of, turns_of
from podium.engine.optimization import freeze_layers
from podium.engine.pooling import Pooling, make_pooling
from podium.engine.precision import compute_dtype
from podium.engine.reinit import reinitialise
from podium.engine.shortage import in_batches
from podium.engine.stopping import inner_split
from podium.engine.targets import Scale, as_target, class_counts, inner_score
from podium.engine.team.base import ALONE, Team
from podium.engine.team.fitting import shared
from podium.engine.template import Template
from podium.files import read_json, write_csv, write_json
from podium.models.transformer_options import Options
from podium.rerun import digest
from podium.seeds import derive
from podium.targets import TaskType, type_of

__all__ = ["Model", "Options"]

log = logging.getLogger(__name__)
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

FACTS = "transformer.json"
ENCODER = "encoder."  # names of what is the encoder's own; all other weights are new


class Model:
    """One fine-tuned encoder; follows ``podium.models.Classifier``."""

    OPTIONS: ClassVar[type[Options]] = Options
    SOURCE: ClassVar[str] = "podium/models/transformer.py"

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed = options, classes, seed
        self.device, self.threads = torch.device(device), threads
        self.team: Team = ALONE
        self.type: TaskType = "single_label"
        self.max_length = 0
        self.scale = Scale.none(classes)
        self.curve = pd.DataFrame()
        self.told = pd.DataFrame()
        self.shortages: list[dict[str, int]] = []
        self._template: Template | None = None
        self._network: Network | None = None
        self._loss: Loss | None = None
        set_up(self.device.type, threads)

    @property
    def outputs(self) -> int | list[int]:
        """What the model was made for: ``classes``."""
        return self.classes

    @property
    def network(self) -> Network:
        """The network, once it is fitted or loaded."""
        assert self._network is not None
        return self._network

    @shared
    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        teacher: np.ndarray | None = None,
        soft: np.ndarray | None = None,
        start: Path | None = None,
    ) -> None:
        """Fine-tune on ``rows``; see ``Classifier.fit``. A killed run in ``scratch`` is taken up where it was.

        ``start`` is the folder of a saved model with these options, whose encoder they name: training goes on from it,
        in its unit of a regression's values, and with the length that ``max_length: auto`` had there.
        """
        self.type = type_of(target)
        # A head that goes on was trained in its own unit, on texts cut to its own length
        before = None if start is None else read_json(start / FACTS)
        self.scale = Scale.of(target, weight) if before is None else Scale(**before["scale"])
        self.max_length = 0 if before is None else before["max_length"]
        encoded = self._encode_training(rows)

        def train(pruned: Encoded, fresh: frozenset[str]) -> None:
            data = Rows(
                pruned,
                as_target(
                    self.scale.standardised(target) if soft is None else soft, self.classes, self.device
                ),
                torch.as_tensor(weight, dtype=torch.float32, device=self.device),
                None
                if teacher is None
                else torch.as_tensor(teacher, dtype=torch.float32, device=self.device),
                turns_of(rows),
                ids_of(rows),
            )
            self._train(data, rows, target, fresh, scratch)

        self._finetune(encoded, class_counts(target, weight, self.classes, soft), start, train)

    def _finetune(
        self,
        encoded: Encoded,
        counts: np.ndarray,
        start: Path | None,
        train: Callable[[Encoded, frozenset[str]], None],
    ) -> None:
        """Build the network for the sequences ``encoded`` and ``train`` it on them, with the ids in use alone."""
        torch.manual_seed(self.seed)
        backbone = self._build(Path(self.options.encoder), counts=counts)
        check_ids(int(encoded.tokens.max(initial=0)), backbone.encoder, self.options.encoder)
        if start is not None:
            self._read_head(start)
        reinitialise(backbone.encoder, self.options.reinit_layers)
        fresh = backbone.fresh if not self.options.reinit_layers else backbone.fresh | {"pooler"}
        adapters = self.options.adapters()
        if adapters is not None:
            add_lora(backbone.encoder, **dataclasses.asdict(adapters), fresh=fresh)
        freeze_layers(self.network, self.options.freeze_layers)
        used, encoded = self._pruned(encoded)
        table = shrink(backbone.encoder, used)
        self.network.to(self.device).train()
        train(encoded, fresh)
        self._grow(table, used)
        if adapters is not None:
            merge_lora(backbone.encoder)
            self.network.speed_up()

    def _train(
        self,
        data: Rows,
        rows: pd.DataFrame,
        target: np.ndarray,
        fresh: frozenset[str],
        scratch: Path | None,
    ) -> None:
        recipe = self.options.recipe()
        trained, held = np.arange(len(rows)), np.zeros(0, dtype=np.int64)
        if recipe.stopping is not None:
            seed = derive(self.seed, "stopping")
            trained, held = _inner_rows(rows, target, recipe.stopping.share, seed)
        evaluate = (lambda: self._inner_score(data, held)) if len(held) else None
        self._finetune_on(Objective, data, trained, held, evaluate, fresh, scratch)

    def _finetune_on(
        self,
        kind: type[Objective],
        data: Rows,
        trained: np.ndarray,
        held: np.ndarray,
        evaluate: Callable[[], float] | None,
        fresh: frozenset[str],
        scratch: Path | None,
    ) -> None:
        """Train on the rows ``trained`` for an objective of a ``kind``; ``evaluate`` scores those ``held`` out."""
        recipe = self.options.recipe()
        assert self._loss is not None
        objective = kind(
            *(self.network, self._loss, data, recipe),
            embedding=self.network.encoder.get_input_embeddings(),  # type: ignore[operator]
            pooled=self.network.pooled,
            multiple=1 if self.device.type == "cpu" else 8,
        )
        checkpoint = Checkpoint(scratch, self._fingerprint(data, trained, held))
        finetuning = Finetuning(
            *(self.network, objective, recipe, trained),
            seed=self.seed,
            checkpoint=checkpoint,
            evaluate=evaluate,
            fresh=fresh,
            team=self.team,
        )
        self.curve, self.told = finetuning.run(), finetuning.table()
        self.shortages = finetuning.allowance.facts()

    def _encode_training(self, rows: pd.DataFrame) -> Encoded:
        """Token ids of the training rows; ``max_length: auto`` is settled by them, where no model before did."""
        folder = Path(self.options.encoder)
        self._template = Template.of(tokens.open_tokenizer(folder))
        table = tokens_of(folder, rows)
        if self.options.max_length != "auto":
            self.max_length = self.options.max_length
        elif not self.max_length:
            lengths = self._full_lengths(table, self._template)
            self.max_length = choose_length(lengths, max_cut=self.options.max_cut, limit=limit_of(folder))
        encoded = self._compose(table, self._template)
        log.info(
            "transformer: %d rows, max_length %d cuts %.2f%% of them and %.2f%% of their tokens",
            *(len(rows), self.max_length, 100 * encoded.rows_cut, 100 * encoded.tokens_cut),
        )
        return encoded

    def _full_lengths(self, table: pd.DataFrame, template: Template) -> np.ndarray:
        return full_lengths(table, template)

    def _compose(self, table: pd.DataFrame, template: Template) -> Encoded:
        return compose(table, template, self.options.inputs(), max_length=self.max_length)

    def _grow(self, table: nn.Embedding, used: np.ndarray | None) -> None:
        grow(self.network.encoder, table, used)

    def _pruned(self, encoded: Encoded) -> tuple[np.ndarray | None, Encoded]:
        """Keep the word embeddings in use: the others have no gradient, and stay as they were pretrained."""
        adversarial = self.options.adversarial
        # Its steps are as long as a matrix's norm
        if adversarial is not None and adversarial["method"] == "awp":
            return None, encoded
        used, pruned = prune_vocabulary(encoded)
        # RoBERTa and its kin count positions from the padding's id
        if pruned.template.pad != encoded.template.pad:
            return None, encoded
        return used, pruned

    def _build(self, folder: Path, counts: np.ndarray) -> Backbone:
        """Make the network around the encoder in ``folder``, and the loss."""
        options = self.options
        backbone = open_backbone(
            folder,
            dropout=options.dropout,
            attention_dropout=options.attention_dropout,
            max_length=self.max_length,
            device_type=self.device.type,
            attention="auto",
            gradient_checkpointing=options.gradient_checkpointing,
            allow_missing=options.allow_missing,
            allow_unexpected=options.allow_unexpected,
        )
        self._loss = self._make_loss(counts).to(self.device)
        pooling = self._make_pooling(backbone)
        self._network = self._network_type()(
            backbone.encoder,
            pooling,
            self._make_chunks(pooling),
            Head(options.head(), size=pooling.size, outputs=self._loss.outputs),
            dtype=compute_dtype(options.precision, self.device.type),
            fast=options.lora is None and not options.gradient_checkpointing,
        )
        return backbone

    def _make_loss(self, counts: np.ndarray) -> Loss:
        return make_loss(self.options.losses(), type=self.type, classes=self.classes, counts=counts)

    def _make_pooling(self, backbone: Backbone) -> Pooling:
        return make_pooling(
            self.options.pooled(),
            hidden=backbone.hidden,
            heads=int(backbone.encoder.config.num_attention_heads),
            layers=backbone.layers,
            has_pooler=getattr(backbone.encoder, "pooler", None) is not None,
        )

    def _make_chunks(self, pooling: Pooling) -> ChunkPooling | None:
        if self.options.long_texts != "chunks":
            return None
        return ChunkPooling(self.options.chunk_pooling, pooling.size)

    def _network_type(self) -> Callable[..., Network]:
        return Network

    def _read_head(self, folder: Path) -> None:
        """Read the layers above the encoder from a saved model's folder."""
        state = load_file(folder / "head.safetensors")
        lacking, unknown = self.network.load_state_dict(state, strict=False)
        wrong = [*unknown, *(name for name in lacking if not name.startswith(ENCODER))]
        if wrong:
            raise ValueError(f"{folder} is a model of another form: {wrong}")

    def _fingerprint(self, data: Rows, trained: np.ndarray, held: np.ndarray) -> str:
        """What makes this run and no other: a checkpoint of another one must not be used."""
        root = Path(__file__).parents[2]
        return fingerprint(
            *(dataclasses.asdict(self.options), self.seed, self.classes, self.type, self.device.type),
            *(torch.__version__, transformers.__version__, torch.get_num_threads(), self.team.size),
            *(str(self.network.dtype), digest(root, self.SOURCE), trained.tobytes(), held.tobytes()),
            *data.parts(),
            *self.network.state_dict().values(),
        )

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return predictions (N, K); see ``Classifier.predict``."""
        assert self._template is not None
        table = tokens_of(Path(self.options.encoder), rows)
        encoded = self._compose(table, self._template)
        return self.scale.original(self._outputs(encoded, np.arange(len(rows))))

    def _outputs(self, encoded: Encoded, rows: np.ndarray) -> np.ndarray:
        """Probabilities or standardised values (R, K) of ``rows`` (R,) of ``encoded``."""
        result = np.zeros((len(rows), self.classes))
        training = self.network.training
        self.network.eval()
        counts = encoded.counts[rows] if encoded.chunked else None
        with torch.inference_mode():
            for places, proba in in_batches(
                lambda some: self._proba(encoded.batch(rows[some], self.device, multiple=1)).cpu().numpy(),
                *(encoded.widths[rows], BUDGET[self.device.type], counts),
            ):
                result[places] = proba
        self.network.train(training)
        return result

    def _proba(self, batch: Batch) -> torch.Tensor:
        """Predictions (B, K) of one batch."""
        assert self._loss is not None
        return self._loss.predict(self.network(batch).double())

    def _inner_score(self, data: Rows, held: np.ndarray) -> float:
        predicted = self._outputs(data.encoded, held)
        kept = torch.from_numpy(held).to(self.device)
        truth, weight = data.target[kept].cpu().numpy(), data.weight[kept].cpu().numpy()
        assert self.options.stopping is not None
        return inner_score(self.options.stopping["score"], self.type, predicted, truth, weight)

    def steps(self) -> pd.DataFrame:
        """See ``podium.models.Stepwise``."""
        return self.told

    def save(self, folder: Path) -> None:
        """Write encoder and tokenizer in their own format, the new layers, the options and the learning curve."""
        assert self._template is not None
        self._save_network(folder)
        facts = {
            "options": dataclasses.asdict(self.options),
            "classes": self.classes,
            "seed": self.seed,
            "type": self.type,
            "max_length": self.max_length,
            "scale": self.scale.facts(),
            "template": dataclasses.asdict(self._template),
        }
        write_json(facts, folder / FACTS)
        write_csv(self.curve, folder / "curve.csv")

    def _save_network(self, folder: Path) -> None:
        network = self.network
        network.encoder.save_pretrained(folder / "encoder")  # type: ignore[operator]
        tokens.copy_tokenizer(Path(self.options.encoder), folder / "encoder")
        new = {name: value for name, value in network.state_dict().items() if not name.startswith(ENCODER)}
        save_file(
            {name: value.cpu().contiguous() for name, value in new.items()}, folder / "head.safetensors"
        )

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / FACTS)
        options = cls.OPTIONS(**saved["options"] | {"encoder": str(folder / "encoder"), "lora": None})
        model = cls(options, classes=saved["classes"], seed=saved["seed"], device=device, threads=threads)
        model.type, model.max_length = saved["type"], saved["max_length"]
        model.scale, model._template = Scale(**saved["scale"]), Template.read(saved["template"])
        model._build(folder / "encoder", counts=np.ones(model.classes))
        model._read_head(folder)
        model.network.to(model.device)
        return model


def tokens_of(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Token ids of ``rows``: those that a rule made, or made here."""
    if "tokens_a" in rows.columns:
        return rows
    ids = pd.Series(range(len(rows)), index=rows.index, dtype="str")
    return tokens.tokenise(folder, rows.assign(id=ids))


def _inner_rows(
    rows: pd.DataFrame, target: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, and real rows to choose the epoch by: no cluster of near-duplicates is on both sides."""
    cluster = rows["cluster"].to_numpy() if "cluster" in rows.columns else np.arange(len(rows))
    real = np.flatnonzero(rows["real"]) if "real" in rows.columns else np.arange(len(rows))
    held = real[inner_split(cluster[real], target[real], share=share, seed=seed)]
    return np.flatnonzero(~np.isin(cluster, cluster[held])), held


def limit_of(folder: Path) -> int | None:
    """Positions of the encoder in ``folder``; the first two of RoBERTa and its kin are taken."""
    config = read_json(folder / "config.json")
    longest = config.get("max_position_embeddings")
    if longest is None or config.get("position_biased_input") is False:
        return None
    return int(longest) - (2 if "roberta" in str(config.get("model_type")) else 0)


def shrink(encoder: Any, used: np.ndarray | None) -> nn.Embedding:
    """Give ``encoder`` a table of the word embeddings ``used`` (V,) alone; return the whole table."""
    table: nn.Embedding = encoder.get_input_embeddings()
    if used is not None:
        rows = table.weight.detach()[torch.from_numpy(used).to(table.weight.device)].clone()
        small = nn.Embedding.from_pretrained(rows, freeze=not table.weight.requires_grad)
        encoder.set_input_embeddings(small)
    return table


def grow(encoder: Any, table: nn.Embedding, used: np.ndarray | None) -> None:
    """Put the trained rows back into the whole ``table``, and that into ``encoder``."""
    if used is None:
        return
    small = encoder.get_input_embeddings().weight.detach()
    with torch.no_grad():
        table.weight[torch.from_numpy(used)] = small.to(table.weight.device)
    encoder.set_input_embeddings(table.to(small.device))
