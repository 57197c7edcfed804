"""Multinomial logistic regression whose L2 penalty is on the distance from given coefficients."""

import logging

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

log = logging.getLogger(__name__)


def logistic(
    features: np.ndarray, truth: np.ndarray, *, prior: np.ndarray, c: float, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``coef`` (C, F) and ``intercept`` (C,) that minimise log loss plus an L2 penalty around ``prior``.

    ``features`` is (N, F), ``truth`` (N,) in 0..C-1. Minimised is the sum of log losses plus |coef - prior|^2 / 2c,
    the intercept free, by L-BFGS from ``prior`` until a step gains less than the share ``tolerance``.
    """
    rows, classes = len(truth), len(prior)
    middle = features.mean(axis=0)
    centred = features - middle
    hot = np.eye(classes)[truth]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change, intercept = flat[:-classes].reshape(prior.shape), flat[-classes:]
        logits = centred @ (prior + change).T + intercept
        fit = -log_softmax(logits, axis=1)[np.arange(rows), truth].mean()
        pull = (softmax(logits, axis=1) - hot) / rows
        slope = np.r_[(pull.T @ centred + change / (c * rows)).ravel(), pull.sum(axis=0)]
        return float(fit + (change**2).sum() / (2 * c * rows)), slope

    start = np.zeros(prior.size + classes)
    limits = {"maxiter": 500, "ftol": tolerance, "gtol": tolerance}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=limits)
    if found.status == 1:
        log.warning("stack: not converged after %d iterations", found.nit)
    coef = prior + found.x[:-classes].reshape(prior.shape)
    return coef, found.x[-classes:] - coef @ middle
