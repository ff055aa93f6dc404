"""Long recordings in pieces, streams that go on, and answers step by step."""

import pickle
import re
import tracemalloc

import numpy as np
import pytest
from helpers import assert_same_network, fast

from sklearn_snn import (
    EventSequences,
    PoissonSpikeEncoder,
    Sequences,
    SpikeTrains,
    SpikingRegressor,
    Stream,
)
from sklearn_snn._model.network import forward
from sklearn_snn.exceptions import InputMismatchWarning

N_STEPS = 30
READOUTS = (
    *("spike_count", "soft_count", "membrane_mean", "membrane_last"),
    *("membrane_max", "softmax_mean"),
)


def recordings(kind="graded", n_samples=24, n_steps=N_STEPS, n_features=4):
    """Return recordings of one of three rates each, and which of them."""
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % 3
    strong = 0.1 + 0.3 * y[:, np.newaxis, np.newaxis]
    shape = n_samples, n_steps, n_features
    X = rng.random(shape) < strong
    if kind == "spikes":
        return X.astype(np.uint8), y
    return (X + rng.normal(0, 0.1, shape)).astype(np.float32), y


def labels_of_steps(X):
    """Return a label for each step: how much there was in it and the one before."""
    total = X.sum(axis=2)
    total[:, 1:] += total[:, :-1].copy()
    return np.digitize(total, [1.0, 3.0])


# Truncated gradients


@pytest.mark.parametrize("kind", ["spikes", "graded"])
def test_as_many_steps_as_there_are_is_no_truncation(kind, engine):
    X, y = recordings(kind)
    whole, covered = fast().fit(X, y), fast(bptt_steps=N_STEPS).fit(X, y)
    longer, cut = fast(bptt_steps=1000).fit(X, y), fast(bptt_steps=7).fit(X, y)
    assert_same_network(whole, covered)
    assert_same_network(whole, longer)
    assert not np.array_equal(whole.coefs_[0], cut.coefs_[0])
    a, b = whole.loss_and_gradients(X, y), cut.loss_and_gradients(X, y)
    assert a.loss != b.loss


def test_the_loss_is_that_of_the_whole(engine):
    """Only gradients are cut, and those of the last layer's biases, too."""
    X, y = recordings()
    model = fast(bptt_steps=7, readout="membrane_mean").fit(X, y)
    cut = model.loss_and_gradients(X, y)
    model._constants_["bptt_steps"] = None
    whole = model.loss_and_gradients(X, y)
    assert cut.loss == pytest.approx(whole.loss, rel=1e-6)
    ours, theirs = cut.coef_grads[0], whole.coef_grads[0]
    assert np.abs(ours - theirs).max() > 1e-3 * np.abs(theirs).max()


def test_the_parameter_of_the_fit_counts():
    X, y = recordings()
    model = fast(engine="numpy", bptt_steps=7).fit(X, y)
    before = model.loss_and_gradients(X, y).coef_grads[0]
    model.set_params(bptt_steps=None)
    np.testing.assert_array_equal(before, model.loss_and_gradients(X, y).coef_grads[0])
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(before, loaded.loss_and_gradients(X, y).coef_grads[0])


def test_short_pieces_do_not_make_another_first_guess():
    """Membranes of one step are small, and weights would be made larger for them."""
    X, y = recordings()
    one, whole = (
        fast(bptt_steps=n, max_iter=1, learning_rate_init=1e-9, engine="numpy").fit(
            X, y
        )
        for n in (1, None)
    )
    np.testing.assert_allclose(one.coefs_[0], whole.coefs_[0], atol=1e-6)


@pytest.mark.parametrize("value", [0, -3, 2.5, "all"])
def test_bad_number_of_steps(value):
    with pytest.raises(ValueError, match="bptt_steps"):
        fast(bptt_steps=value).fit(*recordings())


def test_recordings_however_they_come(engine):
    """In pieces, samples of an array are looked at where they are."""
    X, y = recordings()
    model = fast(bptt_steps=7).fit(X, y)
    for other in (list(X), np.asfortranarray(X), X.astype(np.float64)):
        again = fast(bptt_steps=7).fit(other, y)
        np.testing.assert_allclose(again.coefs_[0], model.coefs_[0], rtol=1e-4)
    padded = np.full((len(X), 50, 4), np.nan, np.float32)
    padded[:, :N_STEPS] = X
    assert_same_network(
        fast(bptt_steps=7).fit(list(X), y), fast(bptt_steps=7).fit(padded, y)
    )


@pytest.mark.parametrize(
    ("params", "n_long"),
    # What remembers for longer than a piece has a longer first guess.
    [({}, 10_000), ({"neuron": "adlif"}, 2_000), ({"alpha": 0.999}, 2_000)],
)
def test_memory_is_that_of_a_piece(params, n_long, engine):
    rates = np.random.default_rng(0).random((48, 20))

    def make(n_steps):
        encoder = PoissonSpikeEncoder(n_steps=n_steps, random_state=0)
        return encoder.fit_transform(rates)

    check_memory(make, n_long, engine, detach_reset=False, **params)


@pytest.mark.parametrize("kind", ["spikes", "graded", "sequences", "events"])
def test_nothing_is_made_of_all_steps_of_recordings(kind, engine):
    """Beside the recordings that are given, for which arrays of all steps are many."""

    def make(n_steps):
        rng, shape = np.random.default_rng(0), (24, n_steps, 20)
        if kind == "events":
            steps = np.tile(np.arange(0, n_steps, 5), 24)
            units = rng.integers(20, size=len(steps))
            indptr = np.arange(25) * (n_steps // 5)
            return EventSequences(
                steps, units, indptr, lengths=[n_steps] * 24, n_units=20
            )
        if kind == "spikes":
            return (rng.random(shape) < 0.05).astype(np.uint8)
        X = rng.normal(size=shape).astype(np.float32)
        if kind == "graded":
            return X
        lengths = n_steps - np.arange(24)
        return Sequences(X.reshape(-1, 20), np.arange(24) * n_steps, lengths)

    check_memory(make, 4_000, engine)


def check_memory(make, n_long, engine, **params):
    """Compare what a fit to long recordings takes with one to short ones as a whole."""
    peaks = {}
    for n_steps, bptt_steps in ((100, None), (n_long, 100)):
        X = make(n_steps)
        y = np.arange(len(X)) % 2
        model = fast(
            hidden_layer_sizes=(64,), bptt_steps=bptt_steps, max_iter=1, engine=engine
        )
        model.set_params(**params).fit(X[:2], y[:2])
        tracemalloc.start()
        model.fit(X, y)
        peaks[n_steps] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[n_long] <= 1.2 * peaks[100]


# Answers step by step


def assert_follows(model, X, n_streams=None):
    """Compare the answers of a stream with those to the recording so far."""
    names = ["predict", "predict_proba", "decision_function"]
    names = [name for name in names if hasattr(model, name)]
    per_step = model.per_step
    stream = model.stream(n_streams)
    assert isinstance(stream, Stream)
    steps = X[0] if n_streams is None else X
    for t in range(steps.shape[-2]):
        stream.feed(steps[..., t, :])
        assert stream.n_steps == t + 1
        so_far = X[: n_streams or 1, : t + 1]
        for name in names:
            expected = getattr(model, name)(so_far)
            expected = expected[:, -1] if per_step else expected
            answer = getattr(stream, name)()
            if n_streams is None:
                expected = expected[0]
            np.testing.assert_array_equal(answer, expected)
            assert np.shape(answer) == np.shape(expected)


@pytest.mark.filterwarnings("ignore::sklearn_snn.exceptions.InputMismatchWarning")
@pytest.mark.parametrize("readout", READOUTS)
def test_a_stream_answers_as_to_the_recording_so_far(readout, engine):
    X, y = recordings("spikes")
    for neuron, recurrent in (("lif", False), ("adlif", True)):
        model = fast(neuron=neuron, recurrent=recurrent, readout=readout, max_iter=2)
        assert_follows(model.fit(X, y), X[:, :12])
        assert_follows(model, X[:4, :6], n_streams=4)


@pytest.mark.filterwarnings("ignore::sklearn_snn.exceptions.InputMismatchWarning")
def test_streams_of_other_networks(engine):
    X, y = recordings("spikes")
    two_labels = np.column_stack([y == 0, y > 0]).astype(int)
    targets = np.column_stack([y, -y]).astype(float)
    for model in (
        fast(per_step=True, neuron="cuba", readout="auto").fit(X, labels_of_steps(X)),
        fast().fit(X, two_labels),
        fast().fit(X, np.minimum(y, 1)),
        SpikingRegressor((8,), max_iter=2, random_state=0).fit(X, targets),
        SpikingRegressor((8,), max_iter=2, random_state=0).fit(X, targets[:, 0]),
    ):
        assert_follows(model, X[:3, :8])
        assert_follows(model, X[:3, :8], n_streams=3)


def test_several_steps_at_a_time(engine):
    X, y = recordings("graded")
    model = fast(neuron="adlif", recurrent=True).fit(X, y)
    whole = model.predict_proba(X[:1])[0]
    for cuts in ([30], [1, 29], [10, 10, 10], [7, 22, 1]):
        stream, first = model.stream(), 0
        for n in cuts:
            assert stream.feed(X[0, first : first + n]) is stream
            first += n
        np.testing.assert_allclose(stream.predict_proba(), whole, rtol=1e-5)
    np.testing.assert_array_equal(model.stream(24).feed(X).predict(), model.predict(X))


def test_steps_that_are_not_read():
    X, y = recordings("spikes")
    model = fast(readout_start=5, engine="numpy").fit(X, y)
    stream = model.stream().feed(X[0, :5])
    np.testing.assert_array_equal(stream.decision_function(), np.zeros(3, np.float32))
    stream.feed(X[0, 5:])
    np.testing.assert_array_equal(stream.predict_proba(), model.predict_proba(X[:1])[0])


def test_a_stream_keeps_its_network_and_can_begin_anew():
    X, y = recordings("spikes")
    model = fast(engine="numpy").fit(X, y)
    expected, stream = model.predict_proba(X[:1])[0], model.stream()
    model.coefs_[0][:] = 0
    np.testing.assert_array_equal(stream.feed(X[0]).predict_proba(), expected)
    stream.feed(X[1])
    assert repr(stream) == "Stream(n_streams=None, n_steps=60)"
    np.testing.assert_array_equal(stream.reset().feed(X[0]).predict_proba(), expected)


def test_answers_are_those_of_whole_recordings(engine):
    """In pieces, of which the memory is that of one."""
    for readout in READOUTS:
        for kind in ("spikes", "graded"):
            X, y = recordings(kind)
            model = fast(readout=readout, bptt_steps=7, max_iter=1).fit(X, y)
            answers = model.predict_proba(X)
            model._constants_["bptt_steps"] = None
            np.testing.assert_allclose(answers, model.predict_proba(X), rtol=1e-5)


def test_recordings_that_are_too_long_for_memory_are_not_refused():
    X = SpikeTrains(np.full((2, 3), 0.1), n_steps=5 * 10**9)
    with pytest.raises(ValueError, match="GiB of memory"):
        fast(engine="numpy").fit(X, [0, 1])
    model = fast(engine="numpy", bptt_steps=10)

    def stop(*args):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_snn._engines.truncated.TruncatedEngine._pieces", stop)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, [0, 1])


def test_answers_step_by_step_are_kept_whole():
    """So recordings that are too long for that are refused, whatever was learned."""
    X, y = recordings("spikes")
    model = fast(engine="numpy", bptt_steps=7).fit(X, y)
    assert len(list(model.staged_predict(X))) == N_STEPS
    X = SpikeTrains(np.full((1, 4), 0.1), n_steps=5 * 10**9)
    with (
        pytest.warns(InputMismatchWarning),
        pytest.raises(ValueError, match="GiB of memory"),
    ):
        model.staged_predict(X)


def test_prolonged_trains_begin_alike():
    trains = SpikeTrains(np.full((2, 3), 0.4), n_steps=10, seed=1)
    longer = trains.prolonged(25)
    assert longer.shape == (2, 25, 3)
    np.testing.assert_array_equal(np.asarray(longer)[:, :10], np.asarray(trains))
    assert np.asarray(longer)[:, 10:].any()


def test_spans_that_there_are_not():
    X, _ = recordings("spikes")
    lengths = np.full(24, N_STEPS)
    trains = SpikeTrains(np.full((2, 3), 0.1), n_steps=10)
    for some in (Sequences.of_lengths(X.reshape(-1, 4), lengths), trains):
        for span in ((5, 3), (-1, 4), (3, 3)):
            with pytest.raises(ValueError, match="Steps from"):
                some.between(*span)
    with pytest.raises(ValueError, match="Steps from 12"):
        trains.between(12, 20)


def test_bad_steps_change_nothing():
    X, y = recordings("spikes")
    model = fast(engine="numpy").fit(X, y)
    stream, streams = model.stream().feed(X[0, :5]), model.stream(2)
    before = stream.predict_proba()
    message = re.escape(
        "shape (4), a step, or (n_steps, 4); got uint8 of shape (24, 30, 4)"
    )
    with pytest.raises(ValueError, match=message):
        stream.feed(X)
    for bad in (
        X[0, :, :3],
        1.0,
        np.empty((0, 4)),
        ["a"] * 4,
        np.ones(4) * 1j,
        [None] * 4,
    ):
        with pytest.raises(ValueError, match="X must be numbers of shape"):
            stream.feed(bad)
    for bad in (np.full(4, np.nan), [1e300, 0, 0, 0]):
        with pytest.raises(ValueError, match="NaN or infinity"):
            stream.feed(bad)
    with pytest.MonkeyPatch.context() as patch:

        def run_and_stop(*args, **kwargs):
            forward(*args, **kwargs)
            raise KeyboardInterrupt

        patch.setattr("sklearn_snn._stream.forward", run_and_stop)
        with pytest.raises(KeyboardInterrupt):
            stream.feed(X[0, 5])
    np.testing.assert_array_equal(stream.predict_proba(), before)
    assert stream.n_steps == 5
    for bad in (X[0, 0], X[:3, 0], X[:3]):
        with pytest.raises(ValueError, match=r"\(2, 4\), a step, or \(2, n_steps, 4\)"):
            streams.feed(bad)


def test_when_there_is_no_stream():
    X, y = recordings("spikes")
    model = fast(engine="numpy")
    with pytest.raises(ValueError, match="not fitted"):
        model.stream()
    with pytest.raises(ValueError, match=r"learned from a 2-D X"):
        fast(engine="numpy").fit(X[:, 0].astype(float), y).stream()
    model.fit(X, y)
    for bad in (0, 1.5, "two"):
        with pytest.raises(ValueError, match="n_streams must be at least 1"):
            model.stream(bad)
    with pytest.raises(ValueError, match="no answer yet"):
        model.stream().predict()
    regressor = SpikingRegressor((8,), max_iter=1, random_state=0).fit(X, y)
    assert not hasattr(regressor.stream(), "predict_proba")
