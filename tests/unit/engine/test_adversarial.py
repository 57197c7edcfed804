"""Adversarial training against plain autograd on explicit tables, embeddings and weights."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModel

from podium.engine.adversarial import METHODS, AdversarialOptions, make_adversary

IDS = torch.tensor([[1, 2, 3, 2], [4, 1, 0, 0], [5, 6, 4, 0]])
MASK = (IDS > 0).long()
TARGET = torch.tensor([0, 1, 1])
Loss = Callable[[], torch.Tensor]


def options(method: str, **changes: Any) -> AdversarialOptions:
    given: dict[str, Any] = {
        "epsilon": 0.6,
        "step_size": 0.4,
        "steps": 3,
        "random_start": 0.3,
        "same_dropout": False,
    }
    return AdversarialOptions(method=method, **(given | changes))


class Small(nn.Module):
    """Two layers over the mean of the words, in float64; padding has a vector of its own, which counts for nothing."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.words = nn.Embedding(7, 3, dtype=torch.float64)
        self.first, self.second = (nn.Linear(*sizes, dtype=torch.float64) for sizes in ((3, 4), (4, 2)))
        self.first.weight.data *= 4  # or the loss is nearly flat, and one step as good as three
        self.unused = nn.Linear(2, 2)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        mean = (self.words(ids) * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return self.second(torch.tanh(self.first(mean)))

    def loss(self, rows: slice = slice(None)) -> Loss:
        return lambda: nn.functional.cross_entropy(self(IDS[rows], MASK[rows]), TARGET[rows])

    def tensors(self) -> list[torch.Tensor]:
        """Copies of the table, the two matrices and the two biases, in the order of ``plain``."""
        tensors = (
            self.words.weight,
            self.first.weight,
            self.second.weight,
            self.first.bias,
            self.second.bias,
        )
        return [tensor.detach().clone().requires_grad_() for tensor in tensors]

    def grads(self) -> list[torch.Tensor | None]:
        layers = (self.words.weight, self.first.weight, self.second.weight, self.first.bias, self.second.bias)
        return [layer.grad for layer in layers]


def plain(tensors: list[torch.Tensor], added: torch.Tensor | float = 0.0) -> torch.Tensor:
    """The loss of ``Small`` written out; ``added`` (B, L, D) goes on top of the words' vectors."""
    table, first, second, b1, b2 = tensors
    vectors = (table[IDS] + added) * MASK[:, :, None]
    hidden = torch.tanh((vectors.sum(1) / MASK.sum(1, keepdim=True)) @ first.T + b1)
    return nn.functional.cross_entropy(hidden @ second.T + b2, TARGET)


def gradients(tensors: list[torch.Tensor], added: torch.Tensor | float = 0.0) -> list[torch.Tensor]:
    return list(torch.autograd.grad(plain(tensors, added), tensors))


def moved(tensors: list[torch.Tensor], number: int, by: torch.Tensor) -> list[torch.Tensor]:
    return [(t + by if i == number else t).detach().requires_grad_() for i, t in enumerate(tensors)]


def fgm(start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    clean = gradients(start)
    there = gradients(moved(start, 0, 0.6 * clean[0] / clean[0].norm()))
    return [clean, there]


def pgd(start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    clean = gradient = gradients(start)
    r = torch.zeros_like(start[0])
    for _ in range(3):
        r = r + 0.4 * gradient[0] / gradient[0].norm()
        if r.norm() > 0.6:
            r = 0.6 * r / r.norm()
        gradient = gradients(moved(start, 0, r))
    assert r.norm() > 0.59  # a step went out of the ball
    return [clean, gradient]


def by_delta(start: list[torch.Tensor], delta: torch.Tensor) -> torch.Tensor:
    delta = delta.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(plain(start, delta), [delta])
    return gradient


def fgm_rows(start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    g = by_delta(start, torch.zeros(3, 4, 3, dtype=torch.float64))
    r = torch.stack([0.6 * row / row.norm() for row in g])
    return [gradients(start), gradients(start, r)]


def pgd_rows(start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    r = torch.zeros(3, 4, 3, dtype=torch.float64)
    for _ in range(3):
        g = by_delta(start, r)
        r = torch.stack([row + 0.4 * grad / grad.norm() for row, grad in zip(r, g, strict=True)])
        r = torch.stack([row * min(1.0, 0.6 / float(row.norm())) for row in r])
    return [gradients(start), gradients(start, r)]


def freelb(start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Algorithm 1 line by line, a row at a time, on explicit embeddings."""
    torch.manual_seed(5)
    uniform = torch.zeros(3, 4, 3, dtype=torch.float64).uniform_(-1, 1)
    lengths = [4, 2, 3]
    delta = torch.zeros_like(uniform)
    for row, length in enumerate(lengths):
        delta[row, :length] = uniform[row, :length] * 0.3 / (length * 3) ** 0.5
    parts = []
    for _ in range(3):
        parts.append([gradient / 3 for gradient in gradients(start, delta)])
        g = by_delta(start, delta)
        for row in range(3):
            delta[row] += 0.4 * g[row] / g[row].norm()
            if delta[row].norm() > 0.6:
                delta[row] *= 0.6 / delta[row].norm()
    return parts


def awp(start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    point = start
    for _ in range(3):
        gradient = gradients(point)
        point = list(point)
        for number in range(3):  # the biases stay
            w, g, origin = point[number].detach(), gradient[number], start[number].detach()
            w = w + 0.4 * w.norm() * g / g.norm()
            band = 0.6 * origin.abs()
            point[number] = torch.min(torch.max(w, origin - band), origin + band).requires_grad_()
    return [gradients(point)]


BY_HAND = {"fgm": fgm, "pgd": pgd, "fgm_rows": fgm_rows, "pgd_rows": pgd_rows, "freelb": freelb, "awp": awp}
assert BY_HAND.keys() == set(METHODS)


@pytest.mark.parametrize("full", [False, True], ids=["no gradients before", "gradients before"])
@pytest.mark.parametrize("method", METHODS)
def test_gradients_by_hand(method: str, full: bool) -> None:
    """What is added to .grad, whatever was there; the weights are the same bits; the loss is the first pass's."""
    network = Small()
    before = [torch.zeros_like(tensor) for tensor in network.tensors()]
    if full:
        (7 * network.loss()()).backward()
        before = [gradient.clone() for gradient in network.grads() if gradient is not None]
    bits = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    expected = [sum(parts) for parts in zip(before, *BY_HAND[method](network.tensors()), strict=True)]
    adversary = make_adversary(options(method), network, network.words)
    torch.manual_seed(5)
    loss = adversary.accumulate(network.loss(), mask=MASK)
    for ours, theirs in zip(network.grads(), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, bits[name]), name
    assert network.unused.weight.grad is None
    if method != "freelb":
        torch.testing.assert_close(loss, network.loss()().detach())
    assert not loss.requires_grad


def test_the_hand_computations_differ() -> None:
    """Or the test above could not tell the methods apart."""
    sums = [torch.stack([part[0] for part in hand(Small().tensors())]).sum(0) for hand in BY_HAND.values()]
    for number, ours in enumerate(sums):
        for other in sums[:number]:
            assert (ours - other).abs().max() > 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_micro_batches_add_up(method: str) -> None:
    """Each one is perturbed by its own gradient only."""
    parts = (slice(0, 1), slice(1, 3))

    def accumulated(chosen: tuple[slice, ...]) -> list[torch.Tensor]:
        network = Small()
        adversary = make_adversary(options(method), network, network.words)
        for rows in chosen:
            torch.manual_seed(5)
            adversary.accumulate(network.loss(rows), mask=MASK[rows])
        return [gradient for gradient in network.grads() if gradient is not None]

    both, first, second = accumulated(parts), accumulated(parts[:1]), accumulated(parts[1:])
    for ours, one, other in zip(both, first, second, strict=True):
        torch.testing.assert_close(ours, one + other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_climb(method: str) -> None:
    network = Small()
    bits = network.words.weight.detach().clone()
    adversary = make_adversary(options(method), network, network.words)
    adversary.accumulate(lambda: network(IDS, MASK).sum() * 0.0, mask=MASK)
    assert all(gradient is not None and not gradient.any() for gradient in network.grads())
    assert torch.equal(network.words.weight, bits)


@pytest.mark.parametrize("method", METHODS)
def test_frozen_embeddings(method: str) -> None:
    """No table moves that has no gradient; the words' vectors do."""
    network = Small()
    network.words.weight.requires_grad_(False)
    adversary = make_adversary(options(method), network, network.words)
    losses: list[float] = []

    def loss_of() -> torch.Tensor:
        loss = network.loss()()
        losses.append(loss.item())
        return loss

    adversary.accumulate(loss_of, mask=MASK)
    assert network.words.weight.grad is None
    assert (len(losses) == 1) == (method in ("fgm", "pgd"))
    assert len(losses) == 1 or losses[-1] > losses[0]
    network.requires_grad_(False).second.bias.requires_grad_()
    adversary.accumulate(network.loss(), mask=MASK)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("same", [False, True])
def test_dropout_masks(method: str, same: bool) -> None:
    network = Small()
    adversary = make_adversary(options(method, same_dropout=same), network, network.words)
    drawn: list[float] = []

    def loss_of() -> torch.Tensor:
        drawn.append(float(torch.rand(())))
        return network.loss()()

    adversary.accumulate(loss_of, mask=MASK)
    assert len(drawn) == {"fgm": 2, "fgm_rows": 2, "freelb": 3}.get(method, 4)
    assert len(set(drawn)) == (1 if same else len(drawn))


def test_a_failed_pass_leaves_the_weights() -> None:
    for method in METHODS:
        network, passes = Small(), iter(range(9))

        def loss_of(network: Small = network, passes: Iterator[int] = passes) -> torch.Tensor:
            if next(passes) == 1:
                raise MemoryError
            return network.loss()()

        bits = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        with pytest.raises(MemoryError):
            make_adversary(options(method), network, network.words).accumulate(loss_of, mask=MASK)
        assert all(torch.equal(tensor, bits[name]) for name, tensor in network.state_dict().items())
        clean = network.loss()()
        torch.testing.assert_close(clean, plain(network.tensors()))  # no hook is left at work


@pytest.mark.parametrize("method", METHODS)
def test_nothing_asks_for_a_number(method: str) -> None:
    """Tensors without content raise where a GPU would have to be waited for."""
    network, nowhere = Small().to("meta"), torch.device("meta")
    ids, mask, target = (tensor.to(nowhere) for tensor in (IDS, MASK, TARGET))
    adversary = make_adversary(options(method, same_dropout=True), network, network.words)
    for _ in range(2):
        adversary.accumulate(lambda: nn.functional.cross_entropy(network(ids, mask), target), mask=mask)
    assert network.words.weight.grad is not None


@pytest.mark.parametrize("method", ["fgm_rows", "pgd_rows", "freelb"])
def test_padding_stays_even_where_a_network_reads_it(method: str) -> None:
    network, seen = Small(), []
    adversary = make_adversary(options(method), network, network.words)

    def loss_of() -> torch.Tensor:
        vectors = network.words(IDS)
        seen.append(vectors.detach() - network.words.weight.detach()[IDS])
        return network.first(vectors).square().sum()

    adversary.accumulate(loss_of, mask=MASK)
    assert all(not far[MASK == 0].any() for far in seen)
    torch.testing.assert_close(seen[-1].flatten(1).norm(dim=1), torch.full((3,), 0.6, dtype=torch.float64))


def test_mistakes_of_the_caller() -> None:
    network = Small()
    rows = make_adversary(options("freelb"), network, network.words)
    with pytest.raises(ValueError, match="mask"):
        rows.accumulate(network.loss(), mask=MASK[:, :3])
    with pytest.raises(ValueError, match="does not depend"):
        rows.accumulate(lambda: network.second(torch.ones(4, dtype=torch.float64)).sum(), mask=MASK)
    with pytest.raises(ValueError, match="no such method"):
        make_adversary(options("fgsm"), network, network.words)


class Classifier(nn.Module):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.encoder = AutoModel.from_pretrained(folder, attn_implementation="eager")
        self.head = nn.Linear(32, 2)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(**inputs).last_hidden_state[:, 0])

    def loss(self) -> torch.Tensor:
        logits = self(input_ids=IDS + 4, attention_mask=MASK)
        return nn.functional.cross_entropy(logits.float(), TARGET)


@pytest.mark.parametrize("method", METHODS)
def test_a_tiny_bert(encoder: Path, method: str) -> None:
    """Every perturbed pass has a higher loss, padding stays where it is, and the weights too."""
    network = Classifier(encoder).eval()
    words = network.encoder.get_input_embeddings()
    adversary = make_adversary(
        options(method, epsilon=0.1, step_size=0.05, random_start=0.02), network, words
    )
    seen: list[torch.Tensor] = []
    words.register_forward_hook(lambda module, given, output: seen.append(output.detach()))
    losses: list[float] = []

    def loss_of() -> torch.Tensor:
        loss = network.loss()
        losses.append(loss.item())
        return loss

    bits = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    adversary.accumulate(loss_of, mask=MASK)
    assert losses == sorted(losses)
    assert losses[-1] > losses[0]
    clean = words.weight.detach()[IDS + 4]
    for output in seen[1:]:
        far = (output - clean).norm(dim=2)
        assert (far[MASK > 0] > 0).all()
        assert method == "awp" or (far[MASK == 0] == 0).all()
    if method.endswith("rows") or method == "freelb":
        norms = (seen[-1] - clean).flatten(1).norm(dim=1)
        assert (norms < 0.1 * (1 + 1e-5)).all()
        assert (norms > 0.09).all()
    assert all(torch.equal(tensor, bits[name]) for name, tensor in network.state_dict().items())
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("method", METHODS)
def test_bfloat16(encoder: Path, method: str) -> None:
    """An autocast block around all passes gives what one in each gives; weights may be bf16 themselves."""
    results = []
    for outside in (False, True):
        network = Classifier(encoder).eval()
        adversary = make_adversary(options(method), network, network.encoder.get_input_embeddings())
        autocast = torch.autocast("cpu", dtype=torch.bfloat16)

        def inside(network: Classifier = network, autocast: Any = autocast) -> torch.Tensor:
            with autocast:
                return network.loss()

        torch.manual_seed(5)
        with autocast if outside else contextlib.nullcontext():
            for _ in range(2):
                adversary.accumulate(network.loss if outside else inside, mask=MASK)
        results.append([p.grad for p in network.parameters() if p.grad is not None])
    for ours, theirs in zip(*results, strict=True):
        assert torch.equal(ours, theirs)
    network = Classifier(encoder).eval().bfloat16()
    adversary = make_adversary(options(method), network, network.encoder.get_input_embeddings())
    adversary.accumulate(network.loss, mask=MASK)
    grads = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(grad.dtype == torch.bfloat16 and torch.isfinite(grad).all() for grad in grads)
