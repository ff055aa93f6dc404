"""A generator of random numbers for each purpose, and each epoch, of a fit."""

import numpy as np

_PURPOSES = {
    **{"first guess": 0, "validation": 1, "order": 2, "weights": 3, "dropout": 4},
    "recurrent weights": 5,
}


def child_random_state(seed, purpose, n=0):
    """Return a generator of its own for each purpose.

    Parameters
    ----------
    seed : int
    purpose : str
        Key of `_PURPOSES`.
    n : int, default=0

    Returns
    -------
    random_state : RandomState
    """
    return np.random.RandomState([seed, _PURPOSES[purpose], n])
