"""Adversarial training: gradients of a batch whose embeddings or weights were moved to where its loss is higher.

Shapes: B rows, L tokens, D the width of a word embedding, V ids in the table.

In all methods a pass is a forward and a backward through the whole network. Where a perturbed pass is needed for its
direction only, the gradient is asked for what is moved and for nothing else: the ``.grad`` of the parameters, which may
hold those of other micro-batches, only ever gain what the method adds to them, with no copies put by and put back.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import nn

from podium.engine.mixing import OutputHook

METHODS = ("fgm", "fgm_rows", "pgd", "pgd_rows", "freelb", "awp")
TINY = torch.finfo(torch.float32).tiny

Loss = Callable[[], torch.Tensor]
Move = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AdversarialOptions:
    """Which ``method``, and how far it goes; distances are in the units of the embeddings, but for ``awp``.

    ``epsilon``: how far from the original at most (``fgm``: exactly). ``awp``: as a share of each weight.
    ``step_size``: length of a step. ``awp``: as a share of each matrix's norm. ``fgm`` and ``fgm_rows`` do not read it.
    ``steps``: steps of ``pgd``, ``pgd_rows`` and ``awp``, passes of ``freelb``; not read by ``fgm`` and ``fgm_rows``.
    ``random_start``: size of the random start of ``freelb``; its paper has ``epsilon`` here. No other method reads it.
    ``same_dropout``: whether all passes of a batch draw the same random numbers, hence the same dropout masks. True is
    the paper of FreeLB (section 3.3: else the steps climb different functions), False the usual code of the others.
    """

    method: str
    epsilon: float
    step_size: float
    steps: int
    random_start: float
    same_dropout: bool


class Adversary(Protocol):
    """One method, tied to a network."""

    def accumulate(self, loss_of: Loss, *, mask: torch.Tensor) -> torch.Tensor:
        """Add the gradients of one micro-batch to the ``.grad`` of the network's parameters.

        ``loss_of()`` runs the network forward on the micro-batch and returns its scalar loss, each time on the very
        same inputs: what is drawn for a batch besides dropout (mixup, word dropout) is drawn before. ``mask`` (B, L) is
        1 on real tokens; its shape is that of the ids given to the embedding. Returns the loss of the first pass,
        detached: of the clean one, or of the random start of ``freelb``. The weights are the same bits as before.
        """


def make_adversary(options: AdversarialOptions, network: nn.Module, embedding: nn.Embedding) -> Adversary:
    """Return the method that ``options`` name; ``embedding`` is the network's table of words.

    The methods that add to the embedding's output put a hook on it: make them before the network is compiled.
    """
    if options.method not in METHODS or options.steps < 1:
        raise ValueError(f"adversarial: no such method, or no steps: {options}")
    if options.method in ("fgm", "pgd"):
        return Table(options, embedding)
    return Weights(options, network) if options.method == "awp" else Rows(options, embedding)


class Table:
    """FGM and PGD on the word embeddings' table, as competitions use them.

    ``fgm``: Miyato et al. 2017 (arXiv 1605.07725, section 3): the perturbation r = epsilon g / |g|, g the
    gradient of the clean loss; the gradients of the clean and of the perturbed loss are added. The paper perturbs each
    row's sequence of (normalised) embeddings by its own r of length epsilon. Here, as in the code that is commonly
    used, g is the gradient of the whole table (V, D) and one r of length epsilon is added to the table: all
    occurrences of a word move alike, and the rows of a batch share the length. ``fgm_rows`` has the paper's norm.

    ``pgd``: Madry et al. 2018 (arXiv 1706.06083, section 2.1) in the same form: ``steps`` times a step of length
    ``step_size`` along the gradient at the last point, then back into the ball of radius ``epsilon`` around the
    original table; the gradient at the last point is added to the clean one, those on the way are not.

    A frozen table does not move: the pass is a plain one.
    """

    def __init__(self, options: AdversarialOptions, embedding: nn.Embedding) -> None:
        self._table, self._options = embedding.weight, options

    def accumulate(self, loss_of: Loss, *, mask: torch.Tensor) -> torch.Tensor:
        """See ``Adversary.accumulate``."""
        table, options = self._table, self._options
        if options.same_dropout:
            loss_of = _repeating(loss_of, mask.device)
        before, table.grad = table.grad, None
        loss = loss_of()
        loss.backward()
        gradient = table.grad
        if before is not None:  # the sum of the micro-batches so far; the perturbation needs this one's own
            table.grad = before if gradient is None else before.add_(gradient)
        if gradient is not None:
            steps, move = (1, self._jump) if options.method == "fgm" else (options.steps, self._climb)
            _attack(loss_of, [table], [gradient], move, steps)
        return loss.detach()

    def _jump(self, table: torch.Tensor, original: torch.Tensor, gradient: torch.Tensor) -> None:
        table.addcdiv_(gradient, _norm(gradient), value=self._options.epsilon)

    def _climb(self, table: torch.Tensor, original: torch.Tensor, gradient: torch.Tensor) -> None:
        table.addcdiv_(gradient, _norm(gradient), value=self._options.step_size)
        moved = table - original
        torch.addcmul(original, moved, (self._options.epsilon / _norm(moved)).clamp(max=1), out=table)


class Weights:
    """AWP: the loss at weights moved to where it is higher (Wu et al. 2020, arXiv 2004.05884).

    In the form of Kaggle's text competitions: each weight matrix w moves by ``step_size |w| g / |g|``, g its gradient,
    then each of its elements back to within ``epsilon`` of its own size; with ``steps`` over 1, again from there. The
    paper bounds the norm of the whole move by a share of ``|w|`` instead (0.005, for networks trained from scratch); a
    ``step_size`` of 1, as in many notebooks, sends nearly every element to its edge, however small its gradient. As in
    both, the gradient that is added is that at the moved weights alone: the clean pass gives but the direction. "Weight
    matrices" are the parameters with "weight" in their name and two dimensions at least, as in the authors' code;
    Kaggle's also moves the gains of norms.
    Matrices that are frozen, or not used by the loss, stay.
    """

    def __init__(self, options: AdversarialOptions, network: nn.Module) -> None:
        named = network.named_parameters()
        self._matrices = [weight for name, weight in named if "weight" in name and weight.ndim > 1]
        self._options = options

    def accumulate(self, loss_of: Loss, *, mask: torch.Tensor) -> torch.Tensor:
        """See ``Adversary.accumulate``."""
        matrices = [matrix for matrix in self._matrices if matrix.requires_grad]
        if self._options.same_dropout:
            loss_of = _repeating(loss_of, mask.device)
        loss = loss_of()
        if not matrices:
            loss.backward()
            return loss.detach()
        gradients = torch.autograd.grad(loss, matrices, allow_unused=True)
        _attack(loss_of, matrices, gradients, self._climb, self._options.steps)
        return loss.detach()

    def _climb(self, weight: torch.Tensor, original: torch.Tensor, gradient: torch.Tensor) -> None:
        length = self._options.step_size * torch.linalg.vector_norm(weight, dtype=_wide(weight))
        moved = torch.addcdiv(weight, gradient * length, _norm(gradient))
        band = self._options.epsilon * original.abs()
        torch.clamp(moved, original - band, original + band, out=weight)


class Rows:
    """Perturbations of the embeddings' output (B, L, D), one for each row with a norm of its own; none on padding.

    ``fgm_rows`` is FGM with the norm of its paper (see ``Table``), but for the normalisation of the embeddings, which
    pretrained ones must not get. ``pgd_rows`` is PGD with a ball around each row. Both add the gradient at the last
    point to the clean one.

    ``freelb``: Zhu et al. 2020 (arXiv 1909.11764, algorithm 1). From a uniform start in +-``random_start`` / sqrt(N),
    N the real tokens of the row times D, ``steps`` passes; each adds 1 / ``steps`` of its gradients, and moves the
    perturbation by ``step_size g / |g|`` and back into the ball of radius ``epsilon``. The paper's ``random_start`` is
    ``epsilon``, its code has both; the code's "no bound" is an ``epsilon`` of ``start + steps * step_size`` or more.
    """

    def __init__(self, options: AdversarialOptions, embedding: nn.Embedding) -> None:
        self._options, self._embedding = options, embedding
        self._hook = OutputHook(embedding)
        steps = options.steps
        if options.method == "freelb":
            self._shares = [1 / steps] * steps
        elif options.method == "pgd_rows":
            self._shares = [1.0, *[0.0] * (steps - 1), 1.0]
        else:
            self._shares = [1.0, 1.0]

    def accumulate(self, loss_of: Loss, *, mask: torch.Tensor) -> torch.Tensor:
        """See ``Adversary.accumulate``; raises ``ValueError`` when the loss does not depend on the embeddings."""
        mask_BL1 = mask.unsqueeze(-1).to(_wide(self._embedding.weight))
        delta_BLD = self._first(mask_BL1)
        if self._options.same_dropout:
            loss_of = _repeating(loss_of, mask.device)
        losses = []
        for number, share in enumerate(self._shares):
            delta_BLD.requires_grad_()
            with self._hook.changed(functools.partial(_added, delta_BLD)):
                loss = loss_of()
            losses.append(loss.detach())
            gradient_BLD = _backward(loss, delta_BLD, share)
            if number + 1 < len(self._shares):
                delta_BLD = self._next(delta_BLD.detach(), gradient_BLD * mask_BL1)
        return losses[0]

    def _first(self, mask_BL1: torch.Tensor) -> torch.Tensor:
        """Return the perturbation (B, L, D) of the first pass."""
        width = self._embedding.embedding_dim
        delta_BLD = mask_BL1.new_zeros((*mask_BL1.shape[:2], width))
        if self._options.method == "freelb":
            size_B11 = (mask_BL1.sum(dim=1, keepdim=True) * width).clamp(min=1).sqrt()
            delta_BLD = delta_BLD.uniform_(-1, 1) * mask_BL1 * (self._options.random_start / size_B11)
        return delta_BLD

    def _next(self, delta_BLD: torch.Tensor, gradient_BLD: torch.Tensor) -> torch.Tensor:
        """Return the perturbation after a step along the gradient."""
        epsilon = self._options.epsilon
        if self._options.method == "fgm_rows":
            return epsilon * gradient_BLD / _row_norms(gradient_BLD)
        moved_BLD = delta_BLD + self._options.step_size * gradient_BLD / _row_norms(gradient_BLD)
        return moved_BLD * (epsilon / _row_norms(moved_BLD)).clamp(max=1)


def _attack(
    loss_of: Loss,
    weights: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    move: Move,
    steps: int,
) -> None:
    """Move ``weights`` (weight, original, gradient -> in place) ``steps`` times, add the gradients there, move back."""
    originals = [weight.detach().clone() for weight in weights]
    try:
        for left in reversed(range(steps)):
            with torch.no_grad():
                for weight, original, gradient in zip(weights, originals, gradients, strict=True):
                    if gradient is not None:
                        move(weight, original, gradient)
            torch.clear_autocast_cache()  # an autocast block around all of this would hold bf16 copies of before
            loss = loss_of()
            if left:
                gradients = torch.autograd.grad(loss, list(weights), allow_unused=True)
            else:
                loss.backward()
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(weights), originals)
        torch.clear_autocast_cache()


def _backward(loss: torch.Tensor, delta: torch.Tensor, share: float) -> torch.Tensor:
    """Add ``share`` of the gradients to the parameters' (0 spares them the work); return that of ``delta``."""
    if share:
        (loss * share).backward()
        gradient = delta.grad
    else:
        (gradient,) = torch.autograd.grad(loss, [delta], allow_unused=True)
    if gradient is None:
        raise ValueError("adversarial: the loss does not depend on the output of this embedding")
    return gradient


def _added(delta: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    if output.shape != delta.shape:
        raise ValueError(
            f"adversarial: the embeddings are {tuple(output.shape)}, the mask makes {tuple(delta.shape)}"
        )
    return output + delta.to(output.dtype)


def _norm(tensor: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean norm as a scalar above 0: what is zero everywhere stays so when divided by it."""
    return torch.linalg.vector_norm(tensor, dtype=_wide(tensor)).clamp(min=TINY)


def _wide(tensor: torch.Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


def _row_norms(tensor_BLD: torch.Tensor) -> torch.Tensor:
    """Return the norms (B, 1, 1) of the rows, above 0."""
    return torch.linalg.vector_norm(tensor_BLD, dim=(1, 2), keepdim=True).clamp(min=TINY)


def _repeating(loss_of: Loss, device: torch.device) -> Loss:
    """Return ``loss_of`` with the same random numbers at each call, those that its first call would have had."""
    state = torch.get_rng_state()
    on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def repeated() -> torch.Tensor:
        torch.set_rng_state(state)
        if on_gpu is not None:
            torch.cuda.set_rng_state(on_gpu, device)
        return loss_of()

    return repeated
