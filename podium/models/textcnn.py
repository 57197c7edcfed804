"""``textcnn``: convolutions over word vectors, max over time, a linear layer (Kim 2014, arXiv 1408.5882).

Shapes: N rows, B rows of a batch, V words of the vocabulary, D dimensions of a word vector, K classes (or labels, or
values), P of them with rows, O outputs.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from podium.engine.checkpoint import Checkpoint, fingerprint
from podium.engine.determinism import set_up
from podium.engine.inputs import Encoded, compose
from podium.engine.loop import Finetuning
from podium.engine.losses import Loss, LossOptions, make_loss
from podium.engine.objective import Objective, Rows, ids_of, turns_of
from podium.engine.precision import compute_dtype
from podium.engine.shortage import in_batches
from podium.engine.targets import Scale, as_target, class_counts
from podium.engine.team.base import ALONE
from podium.engine.template import FIRST, SECOND, Form, Template
from podium.errors import UserError
from podium.files import read_json, write_csv, write_json
from podium.models import spread
from podium.models.textcnn_network import PAD, Network
from podium.models.textcnn_options import Options
from podium.models.vectors import fill, read_vectors
from podium.models.words import count, segments, tokenise, vocabulary
from podium.rerun import digest
from podium.targets import TaskType, type_of

__all__ = ["Model", "Options"]

log = logging.getLogger(__name__)
UNKNOWN, FIRST_WORD = PAD + 1, PAD + 2  # an empty text is one unknown word
RANGE = 0.25  # random vectors are uniform in [-RANGE, RANGE], as in the author's program
BUDGET = 8192  # words of a batch that is predicted, padding counted
TEMPLATE = Template(
    Form((FIRST,), (0,)), Form((FIRST, SECOND), (0, 1)), types=True, pad=PAD, mask=None, unk=UNKNOWN
)


class Model:
    """One convolutional network; follows ``podium.models.Classifier``."""

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        if options.vectors is None and options.channels != "tuned":
            raise UserError(
                f"textcnn: channels: {options.channels} keeps pretrained vectors; name their file in vectors"
            )
        self.options, self.classes, self.seed = options, classes, seed
        self.device = torch.device(device)
        self.words: list[str] = []
        self.pair = False
        self.type: TaskType = "single_label"
        self.present = np.arange(classes)
        self.scale = Scale.none(classes)
        self.network: Network | None = None  # none where there is a single class
        self.curve = pd.DataFrame()
        self.told = pd.DataFrame()
        self.shortages: list[dict[str, int]] = []
        set_up(self.device.type, threads)

    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        soft: np.ndarray | None = None,
    ) -> None:
        """Fit vocabulary and network; see ``Classifier.fit``. A killed run in ``scratch`` is taken up where it was."""
        self.type, self.scale = type_of(target), Scale.of(target, weight)
        self.pair = len(segments(rows)) == 2
        if self.type == "single_label":
            self.present, target = np.unique(target, return_inverse=True)
            if soft is not None:
                self.present = np.flatnonzero(soft.any(axis=0))
                soft = soft[:, self.present]
            if len(self.present) == 1:
                return
        table_VD = self._first_vectors(rows)
        encoded = self._encode(rows)
        log.info(
            "textcnn: %d rows, %d words, %.1f%% of the rows are cut to max_length",
            *(len(rows), len(self.words), 100 * encoded.rows_cut),
        )
        classes = len(self.present)
        loss = self._loss(class_counts(target, weight, classes, soft))
        torch.manual_seed(self.seed)
        self.network = self._network(table_VD, outputs=loss.outputs).train()
        data = Rows(
            encoded,
            as_target(self.scale.standardised(target) if soft is None else soft, classes, self.device),
            torch.as_tensor(weight, dtype=torch.float32, device=self.device),
            turns=turns_of(rows),
            ids=ids_of(rows),
        )
        self._train(self.network, loss.to(self.device), data, scratch)

    def _loss(self, counts: np.ndarray) -> Loss:
        """The loss for classes with ``counts`` (P,) rows."""
        return make_loss(
            LossOptions(**self.options.loss), type=self.type, classes=len(self.present), counts=counts
        )

    def _network(self, table_VD: torch.Tensor, *, outputs: int) -> Network:
        dtype = compute_dtype(self.options.precision, self.device.type)
        network = Network(table_VD, self.options, outputs=outputs, pair=self.pair, dtype=dtype)
        return network.to(self.device)

    def _train(self, network: Network, loss: Loss, data: Rows, scratch: Path | None) -> None:
        recipe = self.options.recipe()
        tables: Any = list(network.encoder.embeddings)
        objective = Objective(
            *(network, loss, data, recipe), embedding=tables, pooled=network.pooled, multiple=1
        )
        checkpoint = Checkpoint(scratch, self._fingerprint(network, data))
        finetuning = Finetuning(
            *(network, objective, recipe, np.arange(len(data.target))),
            seed=self.seed,
            checkpoint=checkpoint,
            evaluate=None,
            fresh=frozenset(),
            team=ALONE,
        )
        finetuning.optimizer.register_step_post_hook(network.constrain)
        self.curve, self.told = finetuning.run(), finetuning.table()
        self.shortages = finetuning.allowance.facts()

    def _first_vectors(self, rows: pd.DataFrame) -> torch.Tensor:
        """Learn the vocabulary of ``rows`` and return the first vectors of its words (V, D).

        Words without a pretrained vector are drawn with the variance of those that have one (section 4.3).
        """
        rng = np.random.default_rng(self.seed)
        texts = (text for name in segments(rows) for text in rows[name])
        counts = count(tokenise(texts, lowercase=self.options.lowercase))
        found: dict[str, int] = {}
        known, bound = np.zeros((0, self.options.dimensions), dtype=np.float32), RANGE
        if self.options.vectors is not None:
            found, known = read_vectors(Path(self.options.vectors), counts)
            if len(known):
                bound = float(np.sqrt(3 * known.var()))
        self.words = vocabulary(
            counts, min_count=self.options.min_count, max_words=self.options.max_words, known=found.keys()
        )
        size = (FIRST_WORD + len(self.words), known.shape[1])
        table = rng.uniform(-bound, bound, size).astype(np.float32)
        fill(table, self.words, found, known, first=FIRST_WORD)
        table[PAD] = 0
        return torch.from_numpy(table)

    def _encode(self, rows: pd.DataFrame) -> Encoded:
        """Word ids of ``rows``."""
        index = {word: place for place, word in enumerate(self.words, FIRST_WORD)}
        tokens = {}
        for name in segments(rows):
            lists = tokenise(rows[name], lowercase=self.options.lowercase)
            ids = [[index.get(word, UNKNOWN) for word in words] or [UNKNOWN] for words in lists]
            tokens[name.replace("text", "tokens")] = pd.Series(ids, dtype=object)
        return compose(
            pd.DataFrame(tokens), TEMPLATE, self.options.inputs(), max_length=self.options.max_length
        )

    def _fingerprint(self, network: Network, data: Rows) -> str:
        """What makes this run and no other: a checkpoint of another one must not be used."""
        code = digest(Path(__file__).parents[2], "podium/models/textcnn.py")
        return fingerprint(
            *(dataclasses.asdict(self.options), self.seed, self.type, str(self.device)),
            *(torch.__version__, torch.get_num_threads(), str(network.dtype), code),
            *data.parts(),
            *network.state_dict().values(),
        )

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return predictions (N, K); see ``Classifier.predict``."""
        found = np.ones((len(rows), len(self.present)))
        network = self.network
        if network is not None:
            network.eval()
            encoded, loss = self._encode(rows), self._loss(np.ones(len(self.present)))
            with torch.inference_mode():

                def predicted(batch: np.ndarray) -> np.ndarray:
                    logits_BO = network(encoded.batch(batch, self.device, multiple=1))
                    return loss.predict(logits_BO.double()).cpu().numpy()

                for batch, proba in in_batches(predicted, encoded.widths, BUDGET):
                    found[batch] = proba
        if self.type == "single_label":
            return spread(found, self.present, self.classes)
        return self.scale.original(found)

    def steps(self) -> pd.DataFrame:
        """See ``podium.models.Stepwise``."""
        return self.told

    def save(self, folder: Path) -> None:
        """Write the weights, the words, the options and the learning curve."""
        facts = {
            "options": dataclasses.asdict(self.options),
            "classes": self.classes,
            "type": self.type,
            "present": self.present.tolist(),
            "scale": self.scale.facts(),
            "seed": self.seed,
            "pair": self.pair,
            "words": self.words,
        }
        write_json(facts, folder / "textcnn.json")
        if self.network is not None:
            weights = {name: value.contiguous().cpu() for name, value in self.network.state_dict().items()}
            save_file(weights, folder / "textcnn.safetensors")
            write_csv(self.curve, folder / "curve.csv")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / "textcnn.json")
        options = Options(**saved["options"])
        model = cls(options, classes=saved["classes"], seed=saved["seed"], device=device, threads=threads)
        model.words, model.pair, model.type = saved["words"], saved["pair"], saved["type"]
        model.present, model.scale = np.array(saved["present"], dtype=np.int64), Scale(**saved["scale"])
        if (folder / "textcnn.safetensors").exists():
            weights = load_file(folder / "textcnn.safetensors")
            table_VD, outputs = weights["encoder.embeddings.0.weight"], len(weights["head.output.bias"])
            model.network = model._network(table_VD, outputs=outputs)
            model.network.load_state_dict(weights)
            model.curve = pd.read_csv(folder / "curve.csv")
        return model
