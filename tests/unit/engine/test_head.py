"""The output layer and its dropout samples."""

import numpy as np
import pytest
import torch
from torch import nn

from podium.engine.head import Head, HeadOptions, average_samples


def made(dropout: float, samples: int, size: int = 6, outputs: int = 3) -> Head:
    torch.manual_seed(0)
    head = Head(HeadOptions(dropout=dropout, dropout_samples=samples), size=size, outputs=outputs)
    return head.train()


def losses(labels: torch.Tensor):
    return lambda logits: nn.functional.cross_entropy(logits, labels, reduction="none")


def test_weights_begin_as_in_bert() -> None:
    head = made(0.1, 1, size=400, outputs=50)
    assert float(head.output.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    assert not head.output.bias.any()


def test_shapes_and_evaluation() -> None:
    pooled = torch.randn(5, 6)
    for samples, shape in ((1, (5, 3)), (4, (4, 5, 3))):
        head = made(0.5, samples)
        assert head(pooled).shape == shape
        logits = head.eval()(pooled).detach().numpy()
        weight, bias = (value.detach().numpy() for value in head.output.parameters())
        np.testing.assert_allclose(logits, pooled.numpy() @ weight.T + bias, rtol=1e-5, atol=1e-6)
    assert made(0.5, 4)(pooled.bfloat16()).dtype == torch.float32


def test_each_sample_has_a_mask_of_its_own() -> None:
    head, pooled = made(0.25, 8, size=40, outputs=40), torch.full((30, 40), 3.0)
    with torch.no_grad():
        head.output.weight.copy_(torch.eye(40))  # the logits are now what dropout left
    torch.manual_seed(1)
    left = head(pooled)
    kept = left != 0
    torch.testing.assert_close(left, torch.where(kept, 3.0 / 0.75, 0.0))
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=0.02)
    overlap = [(kept[a] & kept[b]).float().mean().item() for a in range(8) for b in range(a)]
    assert max(overlap) == pytest.approx(0.75**2, abs=0.06)  # as of independent masks
    torch.manual_seed(1)
    assert torch.equal(head(pooled), left)


def test_the_loss_is_the_mean_of_the_samples_losses() -> None:
    logits = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 1, 0])
    scores = np.exp(logits.numpy().astype(float))
    shares = scores / scores.sum(axis=-1, keepdims=True)
    expected = -np.log(shares[:, np.arange(5), labels.numpy()]).mean(axis=0)
    averaged = average_samples(losses(labels), logits)
    np.testing.assert_allclose(averaged.numpy(), expected, rtol=1e-5)
    assert (averaged > losses(labels)(logits.mean(dim=0))).all()  # Jensen: not the loss of the mean
    assert torch.equal(average_samples(losses(labels), logits[0]), losses(labels)(logits[0]))
    whole = nn.functional.cross_entropy
    torch.testing.assert_close(average_samples(lambda part: whole(part, labels), logits), averaged.mean())


def test_without_dropout_many_samples_are_one() -> None:
    pooled, labels = torch.randn(5, 6), torch.tensor([0, 1, 2, 1, 0])
    found = []
    for samples in (1, 4):
        head = made(0.0, samples)
        loss = average_samples(losses(labels), head(pooled)).mean()
        loss.backward()
        assert all(parameter.grad is not None for parameter in head.parameters())
        found.append([loss.detach(), *(parameter.grad for parameter in head.parameters())])
    for first, second in zip(*found, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-7)


def test_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="1 is the least"):
        made(0.1, 0)
