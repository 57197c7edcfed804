"""The network of ``textcnn``: word vectors, convolutions, max over time, a linear layer (Kim 2014, arXiv 1408.5882).

Shapes: B rows of a batch, L words, T windows, V words of the vocabulary, D dimensions of a word vector, F filters of
one width, M of all widths, O outputs.
"""

from typing import Any

import torch
from torch import nn

from podium.engine.head import Head, HeadOptions
from podium.engine.inputs import Batch
from podium.models.textcnn_options import Options

PAD = 0  # its row of the table is zero and stays so


class Encoder(nn.Module):
    """Word vectors and convolutions: ids (B, L) become the maxima over time (B, M), 4 M of them for a pair.

    ``table_VD`` are the first word vectors.
    """

    def __init__(self, table_VD: torch.Tensor, options: Options) -> None:
        super().__init__()
        kept = {"tuned": [False], "static": [True], "both": [False, True]}[options.channels]
        self.embeddings = nn.ModuleList(
            nn.Embedding.from_pretrained(table_VD.clone(), freeze=frozen, padding_idx=PAD) for frozen in kept
        )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(table_VD.shape[1], options.filters, (1, width), padding=(0, width - 1))
            for width in options.widths
        )

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return the features of the rows; those of a pair are u, v, |u - v|, u * v of its texts' u and v.

        The paper has single texts only; a pair is put together as by Conneau et al. 2017 (arXiv 1705.02364, 3.1).
        """
        mask_BL, types_BL = batch.inputs["attention_mask"], batch.inputs.get("token_type_ids")
        # "Each filter is applied to both channels and the results are added" (section 2): as a filter is linear, to
        # apply it to the channels' sum is the same
        vectors = [embedding(batch.inputs["input_ids"]) for embedding in self.embeddings]
        states_BDL = sum(vectors[1:], vectors[0]).transpose(1, 2)
        if types_BL is None:
            return self._maxima(states_BDL, mask_BL)
        first, second = (self._maxima(states_BDL, mask_BL * (types_BL == side)) for side in (0, 1))
        return torch.cat([first, second, (first - second).abs(), first * second], dim=-1)

    def _maxima(self, states_BDL: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
        """Convolve, rectify, and take each map's maximum over the windows (B, M) with a word of the text inside.

        The texts are padded with width - 1 zeros on both sides, as in the author's program; windows of padding alone,
        of which longer batches have more, do not count. No rectified value is below 0: a product hides them.
        """
        states_BDL = states_BDL * mask_BL.unsqueeze(1).to(states_BDL.dtype)
        maxima = []
        for convolution in self.convolutions:  # an image of height 1: a third faster on CPUs than a line
            maps_BFT = torch.relu(convolution(states_BDL.unsqueeze(2))).squeeze(2)
            edge = maps_BFT.shape[-1] - mask_BL.shape[-1]
            inside_BT = nn.functional.pad(mask_BL, (edge, edge)).unfold(-1, edge + 1, 1).amax(dim=-1)
            maxima.append((maps_BFT * inside_BT.unsqueeze(1).to(maps_BFT.dtype)).amax(dim=-1))
        return torch.cat(maxima, dim=-1)


class Network(nn.Module):
    """Encoder and output layer; what ``podium.engine.objective`` wants of a network."""

    def __init__(
        self, table_VD: torch.Tensor, options: Options, *, outputs: int, pair: bool, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.encoder, self.pooled, self.dtype = Encoder(table_VD, options), nn.Identity(), dtype
        size = len(options.widths) * options.filters * (4 if pair else 1)
        self.head = Head(HeadOptions(dropout=options.dropout, dropout_samples=1), size=size, outputs=outputs)
        # Torch's dropout divides by the share kept while training, instead of multiplying by it later: weights are as
        # large as the paper's at test time, and so is their bound
        self.bound = None if options.max_norm is None else options.max_norm * (1 - options.dropout)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return logits (B, O)."""
        device = batch.inputs["input_ids"].device.type
        with torch.autocast(device, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            pooled = self.encoder(batch)
        logits: torch.Tensor = self.head(self.pooled(pooled))
        return logits

    @torch.no_grad()
    def constrain(self, *_: Any) -> None:
        """Rescale each output's weight vector to the norm s where it is longer (section 2.1)."""
        if self.bound is not None:
            weight_OM = self.head.output.weight
            norms_O1 = torch.linalg.vector_norm(weight_OM, dim=1, keepdim=True)
            weight_OM.mul_((self.bound / norms_O1.clamp(min=1e-12)).clamp(max=1.0))
