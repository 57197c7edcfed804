"""A tiny encoder made on the spot: no test of a model needs a network or a download."""

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before any library starts its threads
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
from model_samples import NEUTRAL, WORDS

POSITIONS = 40


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random BERT (2 layers, hidden size 32, 40 positions) with a WordPiece vocabulary."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    trainer = BertWordPieceTokenizer(lowercase=True)
    words = [word for group in (*WORDS, NEUTRAL) for word in group]
    trainer.train_from_iterator(words * 3, vocab_size=120, show_progress=False)
    trainer.save_model(str(folder))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    torch.manual_seed(0)
    config = BertConfig(vocab_size=120, max_position_embeddings=POSITIONS, **sizes)
    BertModel(config).save_pretrained(folder)
    return folder
