"""Word vectors of a corpus from its co-occurrences, where no word2vec is at hand.

Skip-gram with negative sampling factorises the matrix of the pointwise mutual information of words and their
neighbours, less log k (Levy and Goldberg 2014, Neural Word Embedding as Implicit Matrix Factorization, section 3.1).
Here the positive part of that matrix is factorised by its largest singular values.

Shapes: T tokens, V words, D dimensions.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.utils.extmath import svd_flip


def vectors(
    ids: np.ndarray,
    text: np.ndarray,
    *,
    size: int,
    dimensions: int,
    window: int,
    negatives: float,
    seed: int,
) -> np.ndarray:
    """Return a vector for each of ``size`` words (V, D), float32.

    The matrix is SPPMI (the paper's equation 11), the vectors are U times the square root of the singular values, its
    symmetric choice (section 4.2); V must be above D + 1. A word without any positive entry has the zero vector.

    Parameters
    ----------
    ids, text
        The word and the text of each token (T,); only words of one text are neighbours.
    window
        Words on either side that count, all alike.
    negatives
        The k of the negative samples.
    """
    matrix = shifted_ppmi(counts(ids, text, size=size, window=window), negatives=negatives)
    if not matrix.nnz:  # no word has a neighbour, or none that tells anything: there is nothing to factorise
        return np.zeros((size, dimensions), dtype=np.float32)
    start = np.random.default_rng(seed).standard_normal(size)
    left, values, right = svds(matrix.astype(np.float64), k=dimensions, v0=start)
    left, _ = svd_flip(left[:, ::-1], right[::-1])
    found: np.ndarray = left * np.sqrt(np.maximum(values[::-1], 0.0))
    return found.astype(np.float32)


def counts(ids: np.ndarray, text: np.ndarray, *, size: int, window: int) -> sparse.csr_array:
    """How often each word stands within ``window`` words of each other one (V, V), symmetric."""
    total = sparse.csr_array((size, size), dtype=np.float64)
    for distance in range(1, window + 1):
        same = text[distance:] == text[:-distance]
        first, second = ids[:-distance][same], ids[distance:][same]
        total = total + sparse.csr_array((np.ones(len(first)), (first, second)), shape=(size, size))
    return sparse.csr_array(total + total.T)


def shifted_ppmi(count: sparse.csr_array, *, negatives: float) -> sparse.csr_array:
    """Return max(log(count(w, c) |D| / (count(w) count(c))) - log k, 0) (V, V), sparse."""
    pairs = count.tocoo()
    margin = np.asarray(count.sum(axis=1)).ravel()
    row, column = pairs.coords
    values = np.log(pairs.data * margin.sum() / (margin[row] * margin[column])) - np.log(negatives)
    kept = values > 0
    return sparse.csr_array((values[kept], (row[kept], column[kept])), shape=count.shape)
