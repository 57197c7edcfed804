"""Draw words in a way that does not depend on what else is in the batch."""

import hashlib
from collections.abc import Sequence

import torch
from transformers import LogitsProcessor


def _signed(number: int) -> int:
    """The last 64 bits of a number, as those of a signed one."""
    return (number + 2**63) % 2**64 - 2**63


_INCREMENT = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


def seed_of(text: str, seed: int) -> int:
    """64 signed bits from a text and a seed."""
    data = hashlib.sha256(f"{seed}\x1f".encode() + text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(data[:8], "big", signed=True)


class Draw(LogitsProcessor):
    """Leave one token a row, drawn from softmax(logits / temperature) over the ``top_k`` likeliest (0: all).

    Greedy search then takes it. The Gumbel-max trick (Gumbel 1954; Maddison et al. 2014, arXiv 1411.0030, section 2):
    the largest of logit + Gumbel noise is such a draw. The noise is a hash (SplitMix64, Steele et al. 2014,
    doi 10.1145/2660193.2660195) of the row's own seed, the step and the token, where a generator would give a row other
    numbers in another batch.

    Parameters
    ----------
    seeds
        One for each row, of 64 signed bits.
    """

    def __init__(self, seeds: Sequence[int], *, temperature: float, top_k: int, device: torch.device) -> None:
        self._seeds = torch.tensor(list(seeds), dtype=torch.int64, device=device)
        self._temperature, self._top_k = temperature, top_k

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:  # noqa: D102
        logits = scores.double() / self._temperature
        size = logits.shape[1]
        if 0 < self._top_k < size:
            logits, tokens = logits.topk(self._top_k, dim=1)
        else:
            tokens = torch.arange(size, device=logits.device).expand_as(logits)
        step = _mixed(self._seeds + _signed(_INCREMENT * input_ids.shape[1]))
        bits = _mixed(step[:, None] + _INCREMENT * (tokens + 1))
        uniform = ((bits >> 11 & (1 << 53) - 1).double() + 0.5) / 2**53
        best = (logits - torch.log(-torch.log(uniform))).argmax(dim=1, keepdim=True)
        chosen = tokens.gather(1, best)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen, 0.0)  # type: ignore[return-value]


def _mixed(state: torch.Tensor) -> torch.Tensor:
    """The finisher of SplitMix64, in int64, whose products wrap as those of unsigned numbers do."""
    state = (state ^ _shifted(state, 30)) * _FIRST
    state = (state ^ _shifted(state, 27)) * _SECOND
    return state ^ _shifted(state, 31)


def _shifted(state: torch.Tensor, bits: int) -> torch.Tensor:
    """The shift to the right that fills with zeros."""
    return state >> bits & (1 << 64 - bits) - 1
