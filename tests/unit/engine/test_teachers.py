"""Which rows learn from another model, and how much of a mixed row does."""

import numpy as np
import pandas as pd
import pytest
import torch
from loss_samples import options
from model_samples import options as options_of
from torch import nn

from podium.engine.divergences import distillation
from podium.engine.inputs import Batch, compose
from podium.engine.losses import make_loss
from podium.engine.mixing import Mixture
from podium.engine.objective import Objective, Rows, Teacher
from podium.models.textcnn import TEMPLATE
from podium.models.textcnn_options import Options
from podium.models.transformer_options import Options as TransformerOptions

TEACHER = torch.tensor([[0.02, 0.01, 0.03], [0.9, 0.8, 0.7], [0.0, 0.0, 0.0]])
TARGET = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])


class Words(nn.Module):
    """The logits of a row are the vector of its first word."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.pooled = nn.Embedding(9, 3), nn.Identity()

    def forward(self, batch: Batch) -> torch.Tensor:
        found: torch.Tensor = self.pooled(self.table(batch.inputs["input_ids"][:, 0]))
        return found


def test_labels_are_taught_by_any_probability_and_not_by_their_sum() -> None:
    """With the whole weight on the teacher, a row's loss is the divergence alone, or its label's where it has none."""
    torch.manual_seed(0)
    inputs = Options(**options_of("textcnn")).inputs()
    tokens = pd.DataFrame({"tokens_a": pd.Series([[4], [5], [6]], dtype=object)})
    block = options_of("transformer") | {"distillation": {"weight": 1.0, "temperature": 2.0, "from_epoch": 1}}
    network = Words()
    loss = make_loss(options("binary"), type="multi_label", classes=3, counts=np.ones(3))
    rows = Rows(compose(tokens, TEMPLATE, inputs, max_length=8), TARGET, torch.ones(3), TEACHER)
    recipe = TransformerOptions(**block).recipe()
    keywords = {"embedding": network.table, "pooled": network.pooled}
    objective = Objective(network, loss, rows, recipe, multiple=1, **keywords)
    logits = network.table.weight[4:7].detach()
    for row in (0, 1):
        own = slice(row, row + 1)
        taught = distillation(logits[own], TEACHER[own], torch.ones(1), 2.0, link="sigmoid")
        assert objective.alone(row, 0) == pytest.approx(float(taught), rel=1e-5)
    assert objective.alone(2, 0) == pytest.approx(
        float(loss(logits[2:], TARGET[2:], torch.ones(1))), rel=1e-5
    )


def test_half_a_teacher_teaches_what_the_whole_one_does_with_half_the_weight() -> None:
    mixture = Mixture(torch.tensor(0.3), torch.tensor([2, 0, 1]))
    mixed = Teacher(TEACHER, torch.tensor([1.0, 1.0, 0.0])).mixed(mixture, "sigmoid")
    torch.testing.assert_close(mixed.known, torch.tensor([0.3, 1.0, 0.7]))
    torch.testing.assert_close(mixed.proba[0], TEACHER[0])
    torch.testing.assert_close(mixed.proba[1], 0.3 * TEACHER[1] + 0.7 * TEACHER[0])
    torch.testing.assert_close(mixed.proba[2], TEACHER[1])
