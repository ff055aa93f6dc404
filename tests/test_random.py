"""Quality of the counter-based generator.

Every statistical test has a fixed seed and states the probability with which a perfect
generator would fail it ("false alarm").
"""

import numpy as np
import pytest
from scipy import stats

from sklearn_snn._inputs.random import (
    bernoulli,
    content_keys,
    counter_keys,
    mix32,
    mix64,
    split_keys,
)
from sklearn_snn._training.seeds import child_random_state


def _mix32(x):
    x = x.copy()
    mix32(x, np.empty_like(x))
    return x


def test_mix64_is_the_published_splitmix64():
    # First outputs of SplitMix64 for seed 1234567 (Vigna's reference implementation).
    weyl = np.uint64(1234567) + np.arange(1, 4, dtype=np.uint64) * np.uint64(
        0x9E3779B97F4A7C15
    )
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert mix64(weyl).tolist() == expected


def test_mix32_is_lowbias32():
    def lowbias32(x):
        x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
        x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
        return x ^ (x >> 16)

    words = [0, 1, 2, 0xDEADBEEF, 0xFFFFFFFF]
    assert _mix32(np.array(words, dtype=np.uint32)).tolist() == [
        lowbias32(w) for w in words
    ]


@pytest.mark.parametrize(
    ("mix", "dtype", "n_bits"), [(_mix32, np.uint32, 32), (mix64, np.uint64, 64)]
)
def test_avalanche(mix, dtype, n_bits, rng):
    """Flipping any input bit flips any output bit with probability 1/2.

    20,000 words; the share of flips has standard deviation 0.0035; a perfect mixer
    leaves 1/2 +- 0.025 (7 sigma) somewhere in at most 4096 pairs with p < 1e-8.
    """
    words = rng.integers(0, 2**n_bits, 20_000, dtype=dtype)
    shifts = np.arange(n_bits, dtype=dtype)
    for bit in shifts:
        flipped = mix(words) ^ mix(words ^ (dtype(1) << bit))
        share = ((flipped[:, None] >> shifts) & dtype(1)).mean(axis=0)
        assert np.abs(share - 0.5).max() < 0.025


def _words(keys, n_steps):
    """Return the words that `bernoulli` compares with the thresholds."""
    starts, increments = split_keys(keys)
    steps = np.arange(n_steps, dtype=np.uint32)
    return _mix32(increments[:, None] * steps + starts[:, None])


def test_draws_are_uniform_and_steps_uncorrelated():
    """Whole words of many streams: false alarm 1e-4 for each of three tests."""
    uniform = _words(counter_keys(7, np.arange(2000)), 200) / 2**32
    assert stats.kstest(uniform.ravel(), "uniform").pvalue > 1e-4
    for array in (uniform, uniform.T):  # neighbours in time, neighbouring streams
        pairs = np.floor(array[:, :-1] * 16) * 16 + np.floor(array[:, 1:] * 16)
        counts = np.bincount(pairs.astype(int).ravel(), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-4


def test_every_stream_has_an_odd_increment_of_its_own():
    """With a common increment, two streams could be shifted copies of each other."""
    starts, increments = split_keys(counter_keys(0, np.arange(1000)))
    assert (increments % 2 == 1).all()
    # 1000 of 2**31 odd words: two equal ones with p = 2.3e-4.
    assert len(np.unique(increments)) == len(np.unique(starts)) == 1000


def test_low_bits_are_balanced():
    """Each of the 32 bits of 400,000 words: false alarm 32 * 2e-6."""
    words = _mix32(np.arange(400_000, dtype=np.uint32))
    ones = ((words[:, None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)).sum(0)
    z = (ones.astype(float) - 200_000) / np.sqrt(100_000)
    assert np.abs(z).max() < 4.75


def test_bernoulli_extremes_are_exact():
    keys = counter_keys(0, np.arange(100))
    out = np.empty((100, 50), dtype=bool)
    scratch = tuple(np.empty((2, 100, 50), dtype=np.uint32))
    bernoulli(keys, np.full(100, 2**32 - 1, dtype=np.uint32), out, scratch)
    assert out.all()
    bernoulli(keys, np.zeros(100, dtype=np.uint32), out, scratch)
    assert not out.any()


def test_bernoulli_fires_up_to_and_at_the_threshold():
    """P = (threshold + 1) / 2**32 is exact: the word itself is still below."""
    keys = counter_keys(1, np.arange(300))
    thresholds = _words(keys, 1)[:, 0]
    out = np.empty((300, 1), dtype=bool)
    scratch = tuple(np.empty((2, 300, 1), dtype=np.uint32))
    bernoulli(keys, thresholds, out, scratch)
    assert out.all()
    bernoulli(keys, thresholds - np.uint32(1), out, scratch)
    assert not out.any()


def test_content_keys_ignore_storage_order_and_see_every_entry(rng):
    keys = counter_keys(0, np.arange(5))
    words = rng.integers(0, 2**32, 5, dtype=np.uint32)
    row = np.array([0, 5])
    reference = content_keys(row, words, keys)
    order = rng.permutation(5)
    assert content_keys(row, words[order], keys[order]) == reference
    for i in range(5):
        changed = words.copy()
        changed[i] += np.uint32(1)
        assert content_keys(row, changed, keys) != reference
    assert content_keys(np.array([0, 0, 5]), words, keys).tolist() == [0, *reference]


def test_counter_keys_depend_on_all_64_bits_of_the_seed():
    keys = {int(counter_keys(1 << bit, [0])[0]) for bit in range(64)}
    assert len(keys) == 64
    assert counter_keys(-1, [3]) == counter_keys(2**64 - 1, [3])


def test_generators_of_a_fit_are_those_of_their_seeds():
    """However they are made: the first one, and one that is seeded anew."""
    used = None
    for n in range(3):
        used = child_random_state(7, "order", n, used)
        expected = np.random.RandomState([7, 2, n])
        np.testing.assert_array_equal(used.permutation(50), expected.permutation(50))
        assert used.normal() == expected.normal()
