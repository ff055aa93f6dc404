"""The collector of garbage runs rarely while something is compiled, and only then."""

import gc

import pytest

from sklearn_snn._utils.garbage import rare_collections

USUAL = 700, 10, 10


@pytest.fixture(autouse=True)
def thresholds():
    """Begin with usual thresholds; leave those that were there."""
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    usual = gc.get_threshold()  # a Python may know fewer
    yield usual
    gc.set_threshold(*before)


def test_collections_are_rare_within_and_then_as_before(thresholds):
    with rare_collections():
        within = gc.get_threshold()
        with rare_collections():  # of another thread, say
            assert gc.get_threshold() == within
        assert gc.get_threshold() == within
    assert within[0] > 100 * thresholds[0]
    assert gc.get_threshold() == thresholds


def test_an_error_ends_them_too(thresholds):
    with pytest.raises(KeyError), rare_collections():
        raise KeyError
    assert gc.get_threshold() == thresholds


@pytest.mark.parametrize("threshold", [0, 10**7], ids=["off", "rarer"])
def test_rarer_collections_are_left(threshold):
    gc.set_threshold(threshold)
    own = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own


def test_what_is_set_meanwhile_is_left():
    with rare_collections():
        gc.set_threshold(500)
        own = gc.get_threshold()
    assert gc.get_threshold() == own


def test_they_are_rare_while_compiling(thresholds):
    extending = pytest.importorskip("numba.extending")
    from sklearn_snn._engines.compiled.cache import entry_point

    seen = []

    def double(x):
        raise NotImplementedError

    @extending.overload(double)
    def choose(x):
        seen.append(gc.get_threshold())
        return lambda x: 2 * x

    assert entry_point(None)(lambda x: double(x))(3) == 6
    assert min(seen)[0] > 100 * thresholds[0]
    assert gc.get_threshold() == thresholds
