"""A generator of random numbers for each purpose, and each epoch, of a fit."""

import numpy as np

_PURPOSES = {
    **{"first guess": 0, "validation": 1, "order": 2, "weights": 3, "dropout": 4},
    "recurrent weights": 5,
}


def child_random_state(seed, purpose, n=0, used=None):
    """Return a generator of its own for each purpose.

    Parameters
    ----------
    seed : int
    purpose : str
        Key of `_PURPOSES`.
    n : int, default=0
    used : RandomState, default=None
        One that is needed no more, and is seeded anew: to make one takes ten times as
        long, as it is given entropy of the system first.

    Returns
    -------
    random_state : RandomState
    """
    seeds = [seed, _PURPOSES[purpose], n]
    if used is None:
        return np.random.RandomState(seeds)
    used.seed(seeds)
    return used
