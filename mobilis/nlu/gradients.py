"""Solving a symmetric positive system step by step, for many right sides at once.

Called by `mobilis.nlu.lexical` and `mobilis.nlu.vectors`; knows nothing of labels or of Rasa.
"""

from collections.abc import Callable

import numpy as np

Times = Callable[[np.ndarray], np.ndarray]  # a matrix, by what it makes of columns


def conjugate_gradients(
    matrix: Times, right: np.ndarray, steps: int, inverse: Times = lambda left: left
) -> np.ndarray:
    """Columns x with `matrix` x near the columns of `right`, of the same shape, from zero on.

    Args:
        inverse: a rough inverse of `matrix`, symmetric and positive: the better, the fewer steps.
    """
    found = np.zeros_like(right)
    left = right.copy()
    direction = eased = inverse(left)
    size = (left * eased).sum(axis=0)
    for _ in range(steps):
        pushed = matrix(direction)
        step = size / np.maximum((direction * pushed).sum(axis=0), 1e-12)
        found += step * direction
        left = left - step * pushed  # in place, it might be the direction too
        eased = inverse(left)
        size, before = (left * eased).sum(axis=0), size
        direction = eased + size / np.maximum(before, 1e-12) * direction
    return found
