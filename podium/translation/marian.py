"""Translation by models of transformers, on a CPU in fp32 or on a GPU in bf16."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import LogitsProcessorList

from podium.translation.drawing import Draw, seed_of
from podium.translation.seq2seq import Decoding, Reader, batch_size, identity, open_model


class Marian:
    """One direction of a model in a local folder (Marian, M2M100, NLLB).

    A text's translation depends on its batch in the last bits of the probabilities alone: padding goes by its own
    length, draws by its own seed. On a GPU batches of one width are filled up to one size, so that the same kernels run
    whatever is in them, since in bf16 the last bits are not small.

    Parameters
    ----------
    source, target
        Codes of the languages, as the model calls them; bilingual models are not told.
    device
        ``cpu`` or ``cuda:<i>``.
    threads
        CPU threads.

    Raises
    ------
    UserError
        The folder holds no such model with safetensors weights and tokenizer, or it does not know a language.
    """

    def __init__(
        self, folder: Path, *, source: str, target: str, device: str, threads: int, decoding: Decoding
    ) -> None:
        self.reader = Reader(folder, source=source, target=target, max_length=decoding.max_length)
        torch.set_num_threads(threads)
        self._decoding, self._device = decoding, torch.device(device)
        dtype = torch.float32 if self._device.type == "cpu" else torch.bfloat16
        self._model = open_model(folder, dtype).to(self._device)
        self.variants = None if decoding.sampling else decoding.beams
        self.identity = identity("marian", folder, decoding, source=source, target=target, dtype=str(dtype))

    def pieces(self, text: str) -> list[str]:
        """Runs of sentences that the model can read."""
        return self.reader.pieces(text)

    def batches(self, pieces: Sequence[str]) -> list[list[int]]:
        """Batches of one width each."""
        return self.reader.batches(pieces, self._decoding)

    def translate(self, pieces: Sequence[str], variant: int) -> list[str]:
        """Translate pieces: the ``variant``-th best of the beam, or the draw with that seed."""
        made = [""] * len(pieces)
        ids = [self.reader.ids(piece) for piece in pieces]
        for width in sorted({self.reader.width(one) for one in ids}):
            group = [place for place, one in enumerate(ids) if self.reader.width(one) == width]
            sources = [(ids[place], seed_of(pieces[place], variant)) for place in group]
            for place, text in zip(group, self._generate(sources, width, variant), strict=True):
                made[place] = text
        return made

    @torch.inference_mode()
    def _generate(self, sources: list[tuple[list[int], int]], width: int, variant: int) -> list[str]:
        """Translate sources of one width, each with its token ids and its seed."""
        wanted = len(sources)
        if self._device.type != "cpu":
            sources = sources + sources[:1] * (batch_size(width, self._decoding) - wanted)
        pad = int(self._model.config.pad_token_id)
        inputs = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in sources])
        mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in sources])
        told: dict[str, Any] = {} if self.reader.first is None else {"forced_bos_token_id": self.reader.first}
        made = self._model.generate(
            input_ids=inputs.to(self._device),
            attention_mask=mask.to(self._device),
            max_new_tokens=self.reader.most_new(width),
            **self._choice([seed for _, seed in sources], variant),
            **told,
        )
        per_source = len(made) // len(sources)
        rows = made.cpu().tolist()[per_source - 1 :: per_source]
        return [self.reader.text(row) for row in rows[:wanted]]

    def _choice(self, seeds: list[int], variant: int) -> dict[str, object]:
        """How ``generate`` is to choose tokens; the last sequence it gives of each source is the one wanted."""
        decoding = self._decoding
        if decoding.sampling:
            draw = Draw(seeds, temperature=decoding.temperature, top_k=decoding.top_k, device=self._device)
            return {"do_sample": False, "num_beams": 1, "logits_processor": LogitsProcessorList([draw])}
        if not 0 <= variant < decoding.beams:
            raise ValueError(f"variant {variant} of {decoding.beams} beams")
        return {"do_sample": False, "num_beams": decoding.beams, "num_return_sequences": variant + 1}
