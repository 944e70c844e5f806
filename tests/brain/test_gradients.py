"""Solving many systems at once, step by step."""

from __future__ import annotations

import numpy as np

from mobilis.nlu.gradients import conjugate_gradients

CHANCE = np.random.default_rng(7)
HALF = CHANCE.standard_normal((12, 12))
MATRIX = HALF @ HALF.T + np.eye(12)
RIGHT = CHANCE.standard_normal((12, 3))


def test_as_many_steps_as_there_are_unknowns_solve_it() -> None:
    found = conjugate_gradients(MATRIX.__matmul__, RIGHT, 14)
    assert np.allclose(MATRIX @ found, RIGHT, atol=1e-6)


def test_the_better_the_rough_inverse_the_fewer_steps_it_takes() -> None:
    spread = np.diag(10.0 ** np.arange(12)) + 0.1 * HALF @ HALF.T
    rough = 1 / np.diag(spread)
    alone = conjugate_gradients(spread.__matmul__, RIGHT, 5)
    eased = conjugate_gradients(spread.__matmul__, RIGHT, 5, lambda left: rough[:, None] * left)
    wrong = [np.abs(spread @ found - RIGHT).max() for found in (alone, eased)]
    assert wrong[1] < wrong[0] / 10


def test_a_right_side_of_nothing_needs_nothing() -> None:
    right = np.zeros((12, 2))
    before = right.copy()
    assert not conjugate_gradients(MATRIX.__matmul__, right, 3).any()
    assert (right == before).all()
