"""A generator of random numbers for each purpose, and each epoch, of a fit."""

import numpy as np
from numpy.random.bit_generator import ISeedSequence

_PURPOSES = {
    **{"first guess": 0, "validation": 1, "order": 2, "weights": 3, "dropout": 4},
    "recurrent weights": 5,
}


class _Nothing(ISeedSequence):
    """Seeds a generator that is seeded anew before it is used."""

    def generate_state(self, n_words, dtype=np.uint32):
        return np.ones(n_words, dtype)


def child_random_state(seed, purpose, n=0, used=None):
    """Return a generator of its own for each purpose.

    Parameters
    ----------
    seed : int
    purpose : str
        Key of `_PURPOSES`.
    n : int, default=0
    used : RandomState, default=None
        One that is needed no more, and is seeded anew: to make one takes five times as
        long.

    Returns
    -------
    random_state : RandomState
    """
    seeds = [seed, _PURPOSES[purpose], n]
    if used is None:
        # Else it would be given entropy of the system first, which takes twice as long.
        used = np.random.RandomState(np.random.MT19937(_Nothing()))
    used.seed(seeds)
    return used
