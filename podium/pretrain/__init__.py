"""Pretraining on the texts of a task, without its labels: masked words, replaced tokens, new networks.

| part | file |
| --- | --- |
| texts as token ids, each with the number of its word; which texts are held out | ``corpus.py``, ``words.py`` |
| sequences for the network: packed, or a row each | ``blocks.py`` |
| what is masked | ``masking.py`` |
| a vocabulary of the corpus, a new network, its first word vectors | ``vocabulary.py``, ``scratch.py``, ``ppmi.py`` |
| networks with their heads and losses | ``networks.py``, ``replaced.py`` |
| the run: steps, perplexity, checkpoints | ``loop.py``, ``run.py`` |
"""
