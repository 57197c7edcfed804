"""Mixup and word dropout: their distributions, what they mix and what they leave alone."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn
from transformers import AutoModel

from podium.engine.mixing import (
    Mixture,
    Mixup,
    MixupOptions,
    OutputHook,
    WordDropoutOptions,
    drop_words,
    special_table,
)

IDS = torch.tensor([[1, 2, 3, 2], [4, 1, 0, 0], [5, 6, 4, 0]])
MASK = (IDS > 0).long()
PARTNER = torch.tensor([2, 0, 1])


def mixup(where: str, module: nn.Module, alpha: float = 0.4) -> Mixup:
    return Mixup(MixupOptions(where=where, alpha=alpha), module)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_are_beta(alpha: float) -> None:
    """Kolmogorov and Smirnov's test, and partners that are uniform permutations."""
    torch.manual_seed(3)
    drawn = [mixup("words", nn.Identity(), alpha).draw(3, torch.device("cpu")) for _ in range(3000)]
    shares = [mixture.share.item() for mixture in drawn]
    assert scipy.stats.kstest(shares, scipy.stats.beta(alpha, alpha).cdf).pvalue > 0.01
    orders, counts = np.unique([mixture.partner.tolist() for mixture in drawn], axis=0, return_counts=True)
    assert len(orders) == 6
    assert scipy.stats.chisquare(counts).pvalue > 0.01


def test_draws_follow_the_step() -> None:
    def draw(seed: int) -> tuple[float, list[int]]:
        torch.manual_seed(seed)
        mixture = mixup("words", nn.Identity()).draw(50, torch.device("cpu"))
        return mixture.share.item(), mixture.partner.tolist()

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_rows_of_a_mixture() -> None:
    torch.manual_seed(0)
    values, targets = torch.randn(3, 4, 2), torch.rand(3, 5).softmax(1)
    mixture = Mixture(torch.tensor(0.3), PARTNER)
    by_hand = np.stack([0.3 * values.numpy()[i] + 0.7 * values.numpy()[j] for i, j in enumerate((2, 0, 1))])
    np.testing.assert_allclose(mixture.rows(values), by_hand, rtol=1e-6)
    torch.testing.assert_close(mixture.rows(targets).sum(1), torch.ones(3))
    assert torch.equal(Mixture(torch.tensor(1.0), PARTNER).rows(values), values)
    assert torch.equal(Mixture(torch.tensor(0.0), PARTNER).rows(values), values[PARTNER])
    assert mixture.rows(values.bfloat16()).dtype == torch.bfloat16
    assert mixture.union(MASK).tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]]
    assert mixture.union(MASK.bool()).tolist() == mixture.union(MASK).bool().tolist()


@pytest.mark.parametrize("where", ["words", "sentence"])
def test_gradients_reach_both_rows(where: str) -> None:
    """By their shares; padding of the shorter row is zero in the mixed words, whatever its vector is."""
    words = nn.Embedding(7, 2)
    pool = nn.Identity()
    trick = mixup(where, words if where == "words" else pool)
    mixture = Mixture(torch.tensor(0.25), PARTNER)
    with trick.applied(mixture, MASK):
        vectors = words(IDS)
        pooled = pool(vectors.sum(1))
    if where == "words":
        table = words.weight.detach().clone()
        table[0] = 0
        torch.testing.assert_close(vectors.detach(), 0.25 * table[IDS] + 0.75 * table[IDS[PARTNER]])
    else:
        assert torch.equal(vectors, words(IDS))
    pooled[0].sum().backward()  # row 0 and its partner, row 2
    times = {1: 0.25, 2: 0.5, 3: 0.25, 5: 0.75, 6: 0.75, 4: 0.75} | ({0: 0.75} if where == "sentence" else {})
    assert words.weight.grad is not None
    assert words.weight.grad[:, 0].tolist() == [times.get(i, 0.0) for i in range(7)]
    assert torch.equal(words(IDS), words.weight[IDS])  # nothing is mixed after the block
    assert torch.equal(trick.mask(mixture, MASK), mixture.union(MASK) if where == "words" else MASK)


def test_the_hook_is_compiled_once() -> None:
    """One graph with a change and one without, whatever the change holds; a hook put on later would be ignored."""
    words = nn.Embedding(7, 2)
    hook, graphs = OutputHook(words), []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    compiled = torch.compile(nn.Sequential(words, nn.Linear(2, 1)), backend=backend)
    plain = nn.Sequential(*compiled._orig_mod)
    for number in range(4):
        assert torch.equal(compiled(IDS), plain(IDS))
        added = torch.full((3, 4, 2), float(number), requires_grad=True)
        with hook.changed(lambda output, added=added: output + added):
            changed = compiled(IDS)
            assert torch.equal(changed, plain(IDS))
        (gradient,) = torch.autograd.grad(changed.sum(), [added])
        assert torch.equal(gradient, plain[1].weight.expand_as(gradient))
    assert len(graphs) == 2
    torch._dynamo.reset()


@pytest.mark.parametrize("where", ["words", "sentence"])
def test_a_tiny_bert(encoder: Path, where: str) -> None:
    """Mixing a batch with itself changes nothing; with share 0 a row answers as its partner does."""
    network = AutoModel.from_pretrained(encoder, attn_implementation="eager").eval()
    trick = mixup(where, network.get_input_embeddings() if where == "words" else network.pooler)

    def answers(mixture: Mixture | None) -> torch.Tensor:
        with torch.no_grad():
            if mixture is None:
                return network(input_ids=IDS, attention_mask=MASK).pooler_output
            with trick.applied(mixture, MASK):
                mask = trick.mask(mixture, MASK)
                return network(input_ids=IDS, attention_mask=mask).pooler_output

    own = answers(None)
    same = Mixture(torch.tensor(0.3), torch.arange(3))
    torch.testing.assert_close(answers(same), own, atol=1e-6, rtol=1e-5)
    swapped = answers(Mixture(torch.tensor(0.0), PARTNER))
    # Of words only row 1: its partner is longer; the others see a zero vector where theirs has padding
    rows = [1] if where == "words" else [0, 1, 2]
    torch.testing.assert_close(swapped[rows], own[PARTNER][rows], atol=1e-6, rtol=1e-5)


def test_dropped_words() -> None:
    """Binomial bounds on the rate; special tokens are untouched and what is not hidden stays itself."""
    torch.manual_seed(0)
    ids = torch.randint(0, 50, (200, 100))
    special = special_table([0, 2, 49], 50)
    dropped = drop_words(ids, special, WordDropoutOptions(rate=0.15), replacement=3)
    assert dropped.dtype == ids.dtype
    fixed = torch.isin(ids, torch.tensor([0, 2, 49]))
    assert torch.equal(dropped[fixed], ids[fixed])
    changed = dropped != ids
    assert (dropped[changed] == 3).all()
    eligible = ~fixed & (ids != 3)
    bounds = scipy.stats.binom(int(eligible.sum()), 0.15).interval(0.999)
    assert bounds[0] <= int(changed.sum()) <= bounds[1]
    per_place = changed.sum(0) / eligible.sum(0)
    assert per_place.min() > 0.02
    assert per_place.max() < 0.3
    assert torch.equal(drop_words(ids, special, WordDropoutOptions(rate=0.0), replacement=3), ids)


def test_nothing_asks_for_a_number() -> None:
    """Tensors without content raise where a GPU would have to be waited for (torch cannot draw a Beta of them)."""
    words = nn.Embedding(7, 2, device="meta")
    trick, (ids, mask, partner) = mixup("words", words), (t.to("meta") for t in (IDS, MASK, PARTNER))
    mixture = Mixture(torch.zeros((), device="meta"), partner)
    with trick.applied(mixture, trick.mask(mixture, mask)):
        words(drop_words(ids, special_table([0], 7).to("meta"), WordDropoutOptions(rate=0.1), replacement=1))


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="where must be"):
        mixup("pixels", nn.Identity())
    with pytest.raises(ValueError, match="alpha"):
        mixup("words", nn.Identity(), 0.0)
