"""Small translation models made on the spot, and engines that only count."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprst" for vowel in "aeiou"]


def sentences(count: int, seed: int = 5) -> list[str]:
    """Sentences of made-up words, of 1 to 12 words."""
    drawn = random.Random(seed)
    words = ["".join(drawn.choices(SYLLABLES, k=drawn.randint(1, 3))) for _ in range(300)]
    return [" ".join(drawn.choices(words, k=drawn.randint(1, 12))) for _ in range(count)]


def make_marian(folder: Path, *, seed: int, languages: Sequence[str] = ()) -> Path:
    """Put a random Marian model into ``folder``; with ``languages`` one that is told which of them is wanted."""
    import sentencepiece
    import torch
    from transformers import MarianConfig, MarianMTModel

    folder.mkdir(parents=True)
    for name in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences(500)),
            model_prefix=str(folder / name),
            vocab_size=300,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
        )
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        (folder / f"{name}.vocab").unlink()
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    pieces = [processor.id_to_piece(place) for place in range(processor.get_piece_size())]
    told = [f">>{code}<<" for code in languages]
    kept = [piece for piece in pieces if piece not in ("<unk>", "<s>", "</s>")]
    names = ["</s>", "<unk>", *told, *kept, "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: place for place, name in enumerate(names)}))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"source_lang": "en", "target_lang": "xx", "tokenizer_class": "MarianTokenizer"})
    )
    torch.manual_seed(seed)
    config = MarianConfig(
        vocab_size=len(names),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=64,
        pad_token_id=len(names) - 1,
        decoder_start_token_id=len(names) - 1,
        eos_token_id=0,
        forced_eos_token_id=0,
        static_position_embeddings=True,
        scale_embedding=True,
        init_std=0.5,
    )
    MarianMTModel(config).save_pretrained(folder)
    return folder


class Reversing:
    """An engine that turns words round, counts what it is asked, and can be killed."""

    identity = "reversing"
    variants: int | None = None

    def __init__(self, *, size: int = 4, killed_after: int | None = None) -> None:
        self.size, self.killed_after = size, killed_after
        self.asked: list[list[str]] = []

    def pieces(self, text: str) -> list[str]:
        return [part.strip() for part in text.split(".") if part.strip()]

    def batches(self, pieces: Sequence[str]) -> list[list[int]]:
        places = list(range(len(pieces)))
        return [places[start : start + self.size] for start in range(0, len(places), self.size)]

    def translate(self, pieces: Sequence[str], variant: int) -> list[str]:
        if self.killed_after is not None and len(self.asked) >= self.killed_after:
            raise KeyboardInterrupt
        self.asked.append(list(pieces))
        return [f"{' '.join(reversed(piece.split()))} {variant}" for piece in pieces]
