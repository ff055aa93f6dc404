"""Networks that do not learn: none is born silent, and one that falls silent warns."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import PLAIN, use_wide_range
from networks import initial_params, lif, network_of
from recording import Recorder
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains, SpikingClassifier
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._model.first_guess import MEMBRANE_RANGE
from sklearn_snn._training.diagnosis import (
    dead_layers,
    dead_neurons,
    hardly_learned,
    has_fallen_back,
    short_memory,
)
from sklearn_snn._training.samples import Samples
from sklearn_snn._training.targets import Classes, Labels, Numbers
from sklearn_snn._training.trainer import Epoch
from sklearn_snn.exceptions import DeadNeuronWarning


@pytest.fixture
def blobs(rng):
    y = np.arange(60) % 3
    return rng.normal(size=(60, 5)) + 3 * np.eye(3, 5)[y], y


# First guess


def deviations(params, X):
    """Return the standard deviations of membranes that never reset, by hand."""
    current = X.astype(float) @ params[0]["coef"].astype(float)
    current -= current.mean(axis=(0, 1))
    u, squares = 0, []
    for t in range(X.shape[1]):
        u = params[0]["alpha"] * u + current[:, t]
        squares.append(np.mean(u**2))
    return np.sqrt(np.mean(squares))


@pytest.mark.parametrize(
    ("scale", "expected"), [(1e-3, "low"), (0.3, "inside"), (1e3, "high")]
)
def test_first_guess_scales_the_membranes(scale, expected, rng, engine):
    from sklearn_snn._engines import make_engine

    sizes = [6, 8, 3]
    X = scale * rng.normal(size=(40, 20, 6))
    params = initial_params(lif(), sizes, np.float64, 0)
    drawn = params[0]["coef"].copy()
    engine = make_engine("auto", network_of(lif(), sizes, 1.0), 20)
    engine.first_guess(params, X, np.ones(40))
    low, high = (params[0]["threshold"][0] * r for r in MEMBRANE_RANGE)
    if expected == "inside":
        np.testing.assert_array_equal(params[0]["coef"], drawn)
        assert low < deviations(params, X) < high
    else:
        goal = low if expected == "low" else high
        assert deviations(params, X) == pytest.approx(goal, rel=1e-6)


def test_first_guess_weighs_samples(rng):
    """Rows of weight 3 count as if they were there three times."""
    X, weights = rng.random((10, 6)), np.arange(1, 11) % 3 + 1
    results = []
    for samples, w in (
        (X, weights),
        (X.repeat(weights, axis=0), np.ones(sum(weights))),
    ):
        sizes = [6, 4, 2]
        params = initial_params(lif(), sizes, float, 0)
        NumpyEngine(network_of(lif(), sizes, 1.0), 9).first_guess(params, samples, w)
        results.append([p[name] for p in params for name in ("coef", "intercept")])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("n_steps", [10, 200])
@pytest.mark.parametrize("threshold", [0.3, 2.0])
@pytest.mark.parametrize("alpha", [0.5, 0.99])
def test_every_reasonable_neuron_learns(alpha, threshold, n_steps, mnist):
    X_train, y_train, X_test, y_test = mnist
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps, random_state=1),
        SpikingClassifier(alpha=alpha, threshold=threshold, max_iter=2, random_state=1),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeadNeuronWarning)
        model.fit(X_train[:5000], y_train[:5000])
    assert model.score(X_test[:2000], y_test[:2000]) > 0.82


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_dim_input_is_no_silence(rate, mnist):
    X_train, y_train, X_test, y_test = mnist
    model = make_pipeline(
        PoissonSpikeEncoder(100, max_rate=rate, random_state=0),
        SpikingClassifier(max_iter=2, random_state=0),
    )
    model.fit(X_train[:5000], y_train[:5000])
    assert (model[-1].firing_rates_ > 0.01).all()
    assert model.score(X_test[:2000], y_test[:2000]) > 0.7


# Dead neurons

NETWORK, TARGET = network_of(lif(), [3, 4, 2], 0.4), Classes(np.arange(2))
TABLE = np.zeros((2, 3))
EPOCH = Epoch(
    loss=0.5,
    penalty=0.0,
    score=0.9,
    grad_norms=np.ones(2),
    firing_rates=[np.full(4, 0.5), np.full(2, 0.5)],
    unanswered=0.0,
    learning_rate=0.1,
    seconds=1.0,
)


def trainer_of(samples, n_steps=25, **constants):
    """Return what is told of a trainer, for two classes."""
    params = initial_params(lif(**constants), [3, 4, 2], float, 0)
    engine = SimpleNamespace(network=NETWORK, n_steps=n_steps)
    return SimpleNamespace(samples=samples, target=TARGET, engine=engine, params=params)


def test_which_layers_are_reported():
    alive = np.full(4, 0.5)
    few = np.array([0, 0.1, 0.2, 1])
    for rates in ([alive, alive], [few, alive]):
        assert dead_layers(rates, NETWORK, Classes(np.arange(4)), TABLE) == []
    rates = [np.array([0, 0, 0, 0.5]), np.array([0.1, 1.0])]
    animals = Classes(np.array(["cat", "dog"]))
    hidden, output = dead_layers(rates, NETWORK, animals, TABLE)
    assert "3 of 4 neurons (75%) of hidden layer 1 are silent" in hidden
    assert "threshold" in hidden
    assert "1 of 2 neurons (50%) of the output layer (of classes 'dog')" in output
    assert "saturated" in output
    assert "raise threshold" in output
    assert "class_weight" in hidden
    numbers = Numbers(np.zeros(2), np.ones(2), False)
    for target, noun in ((Labels(2), "labels"), (numbers, "outputs")):
        hidden, output = dead_layers(rates, NETWORK, target, TABLE)
        assert "class" not in hidden
        assert f"of the output layer (of {noun} 1)" in output


@pytest.mark.parametrize(("unanswered", "warns"), [(0.1, False), (0.11, True)])
def test_silence_for_many_samples_is_reported(unanswered, warns):
    epoch = EPOCH._replace(unanswered=unanswered)
    findings = dead_neurons(epoch, NETWORK, TARGET, TABLE)
    assert len(findings) == warns
    assert all("For 11% of the samples no output neuron fired" in f for f in findings)
    # Once is enough.
    dead = epoch._replace(firing_rates=[np.full(4, 0.5), np.array([0, 0.5])])
    assert len(dead_neurons(dead, NETWORK, TARGET, TABLE)) == 1


def test_a_region_that_is_given_up_warns(rng, monkeypatch):
    """The product of two columns: of four quadrants, some networks give up one or two.

    Both output neurons are silent there, and have no gradient to come back by, where
    it is spikes that are counted.
    """
    use_wide_range(monkeypatch)
    X = rng.normal(size=(1000, 6))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    shares = []
    for seed in range(4):
        model = SpikingClassifier((30,), max_iter=30, random_state=seed, **PLAIN)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        spikes = model.simulate(X, layers=[-1], inputs=False).spikes[-1]
        shares.append((spikes.sum(axis=(1, 2)) == 0).mean())
        warned = any("of the samples no output" in str(w.message) for w in caught)
        assert warned == (shares[-1] > 0.1)
    assert min(shares) < 0.05 < 0.15 < max(shares)


@pytest.mark.parametrize(("threshold", "kind"), [(1e6, "silent"), (1e-6, "saturated")])
def test_a_dead_network_warns(threshold, kind, blobs):
    model = SpikingClassifier(
        **PLAIN | {"hidden_layer_sizes": (6,), "max_iter": 1, "random_state": 0},
        warm_start=True,
    ).set_params(reset="none")
    model.fit(*blobs)
    for bias in model.intercepts_:
        bias += 10
    model.set_params(threshold=threshold)
    with pytest.warns(DeadNeuronWarning) as caught:
        model.fit(*blobs)
    messages = [str(w.message) for w in caught if w.category is DeadNeuronWarning]
    assert caught[0].filename == __file__
    assert [kind in message for message in messages] == [True, True]
    assert "6 of 6 neurons (100%) of hidden layer 1" in messages[0]
    assert (
        "3 of 3 neurons (100%) of the output layer (of classes 0, 1, 2)" in messages[1]
    )


@pytest.mark.parametrize(
    ("loss", "score", "weights", "warns"),
    [
        # Of two classes of one sample each, guessing costs log(2) = 0.693.
        (0.70, 0.5, [1, 1], True),
        (0.66, 0.59, [1, 1], True),
        (0.65, 0.59, [1, 1], False),
        (0.66, 0.61, [1, 1], False),  # as with a tiny logit_scale
        # Of 3:1, 0.562, and the accuracy is 0.75.
        (0.55, 0.75, [3, 1], True),
        (0.52, 0.75, [3, 1], False),
        (0.55, 0.81, [3, 1], False),
        (0.0, 1.0, [2, 0], False),
    ],
)
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_what_counts_as_hardly_learned(loss, score, weights, warns, penalty):
    samples = Samples(TABLE, np.arange(2), *[np.array(weights)] * 2)
    epoch = EPOCH._replace(loss=loss + penalty, penalty=penalty, score=score)
    assert len(hardly_learned(epoch, trainer_of(samples))) == warns


SPIKES = np.arange(24).reshape(2, 4, 3) % 2


@pytest.mark.parametrize(
    ("X", "scaling"),
    [
        (TABLE, "scale the columns of X"),
        (sparse.csr_array(TABLE), "scale the columns of X"),
        (SPIKES / 2, "the channels of X, as ChannelTransformer(StandardScaler()) does"),
        (SPIKES.astype(np.uint8) * 2, "scale the channels of X, as"),
        (SPIKES.astype(bool), None),
        (SPIKES.astype(np.uint8), None),
        (SPIKES.astype(float), None),
        (SpikeTrains(TABLE, 4), None),
    ],
    ids=["table", "sparse", "graded", "counts", "bool", "uint8", "float", "trains"],
)
def test_advice_is_of_the_kind_of_input(X, scaling):
    samples = Samples(X, np.arange(2), np.ones(2), np.ones(2))
    guessing = EPOCH._replace(loss=0.69, score=0.5)
    (stalled,) = hardly_learned(guessing, trainer_of(samples))
    rates = [np.ones(4), np.full(2, 0.5)]
    (saturated,) = dead_layers(rates, NETWORK, TARGET, X)
    (silent,) = dead_layers([np.zeros(4), np.full(2, 0.5)], NETWORK, TARGET, X)
    is_recorded = X.ndim == 3 and not isinstance(X, SpikeTrains)
    assert ("raise alpha or n_steps" in silent) is not is_recorded
    for finding in (stalled, saturated):
        if scaling is None:
            assert "scale" not in finding
            assert re.search(r"may help to \w+ learning_rate_init", finding)
        else:
            assert scaling in finding
    assert "batch_size" in stalled


@pytest.mark.parametrize(
    ("scores", "weights", "is_lost"),
    [
        ([0.5, 1.0, 1.0, 0.4], [1, 1], True),
        ([0.5, 1.0, 0.4, 1.0, 1.0, 1.0], [1, 1], True),  # it goes up and down
        ([0.5, 1.0, 0.4, *[1.0] * 9], [1, 1], True),
        ([0.5, 1.0, 0.4, *[1.0] * 10], [1, 1], False),
        ([0.4, 0.5, 0.8, 1.0], [1, 1], False),  # not lost, but not yet learned
        ([0.5, 1.0, 0.9, 0.9, 0.9], [1, 1], False),
        ([0.5, 0.74, 0.5, 0.5], [1, 1], False),  # by chance, as little was learned
        ([0.75, 0.9, 0.9, 0.8], [3, 1], True),
        ([0.75, 0.85, 0.85, 0.75], [3, 1], False),
        ([1.0, 1.0, 0.0], [2, 0], False),  # there is but one class
    ],
)
@pytest.mark.parametrize("n_times", [1, 40])
def test_what_counts_as_lost_again(scores, weights, is_lost, n_times):
    """Of so few samples that one more or less is much nothing is said."""
    y, weights = np.arange(2).repeat(n_times), np.repeat(weights, n_times)
    trainer = trainer_of(Samples(TABLE, y, weights, weights))
    assert has_fallen_back(scores, trainer) is (is_lost and n_times > 1)
    assert not has_fallen_back(scores, trainer, max(scores))


def test_a_training_that_stalls_at_chance_warns():
    """The inputs are all alike."""
    X, y = np.ones((90, 3)), np.arange(90) % 3
    model = SpikingClassifier((4,), tol=0.1, n_iter_no_change=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"guessing.* has 1\.0986"):
        model.fit(X, y)
    assert model.n_iter_ < 200


def test_loss_and_accuracy_are_each_compared_with_their_own_guessing():
    """Of classes that are weighed alike guessing costs log(2); 3 of 4 samples are 0."""
    samples = Samples(TABLE, np.arange(2), np.array([2, 2]), np.array([3, 1]))
    for loss, score, warns in (
        (0.69, 0.75, True),
        (0.69, 0.5, True),
        (0.60, 0.75, False),  # less than log(2), if not than 0.562
        (0.69, 0.81, False),
    ):
        epoch = EPOCH._replace(loss=loss, score=score)
        assert len(hardly_learned(epoch, trainer_of(samples))) == warns


@pytest.mark.parametrize(
    ("n_steps", "alpha", "advice"),
    [
        (1000, 0.95, ("= 20 steps", "1 - 5 / 1000 = 0.995,", "bins 10 times")),
        (400, 0.95, None),
        (401, 0.95, ("= 20 steps", "1 - 5 / 401 = 0.9875,", "bins 4 times")),
        (1000, 0.99, None),
        (50_000, 0.99, ("= 100 steps", "1 - 5 / 50000 = 0.9999,", "bins 100 times")),
        (10**6, 1.0, None),  # it never forgets
        (60, 0.0, ("= 1 steps", "1 - 5 / 60 = 0.917,", "bins 12 times")),
    ],
)
def test_a_memory_that_is_short_beside_the_recordings_is_named(n_steps, alpha, advice):
    X = np.zeros((2, n_steps, 1), np.uint8)
    samples = Samples(X, np.arange(2), np.ones(2), np.ones(2))
    guessing = EPOCH._replace(loss=0.69, score=0.5)
    trainer = trainer_of(samples, n_steps, alpha=alpha)
    findings = hardly_learned(guessing, trainer) + short_memory(guessing, trainer)
    assert len(findings) == (1 if advice is None else 2)
    for finding in findings:
        assert ("memory" in finding) is (advice is not None)
        assert all(part in finding for part in advice or ())
    # Of what is learned in part, too; not of what is learned well, or stands still.
    partly = EPOCH._replace(loss=0.3, score=0.94)
    assert len(short_memory(partly, trainer)) == (0 if advice is None else 1)
    assert short_memory(EPOCH._replace(loss=0.3, score=0.96), trainer) == []
    for steady in (X[:, 0], SpikeTrains(np.ones((2, 1)), n_steps)):
        trainer.samples = samples._replace(X=steady)
        assert short_memory(guessing, trainer) == []
        (finding,) = hardly_learned(guessing, trainer)
        assert "memory" not in finding


@pytest.mark.parametrize("end", ["max_iter", "stall"])
def test_long_recordings_that_are_not_learned_warn(end, rng):
    """The classes are alike, so that no network can learn them."""
    X, y = (rng.random((24, 120, 3)) < 0.05), np.arange(24) % 2
    model = SpikingClassifier((4,), alpha=0.8, max_iter=2, random_state=0)
    if end == "stall":
        model.set_params(max_iter=20, tol=1.0, n_iter_no_change=2)
    with pytest.warns(
        ConvergenceWarning, match=r"= 5 steps, is short.* 120 "
    ) as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(alpha=1 - 5 / 120).fit(X, y)
    assert not [w for w in caught if "memory" in str(w.message)]


def test_a_callback_that_stops_the_fit_is_no_stall():
    X, y = np.ones((90, 3)), np.arange(90) % 3
    stop = Recorder(("end", "epoch", 2), lambda: True)
    model = SpikingClassifier((4,), random_state=0).set_callbacks(stop)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert model.fit(X, y).n_iter_ == 3
    assert not [w for w in caught if w.category is ConvergenceWarning]


def test_a_network_that_learns_does_not_warn(digits):
    X_train, X_test, y_train, y_test = digits
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = SpikingClassifier(max_iter=10, random_state=0).fit(X_train, y_train)
    assert model.score(X_test, y_test) > 0.9


def test_recurrent_networks_are_not_told_to_detach():
    """Detached, their gradients grow without bounds."""
    samples = Samples(np.ones((2, 25, 3)), np.arange(2), np.ones(2), np.ones(2))
    guessing = EPOCH._replace(loss=0.69, score=0.5)
    for recurrent in (False, True):
        trainer = trainer_of(samples)
        layers = [layer._replace(recurrent=recurrent) for layer in NETWORK.layers]
        trainer.engine.network = NETWORK._replace(layers=tuple(layers))
        (finding,) = hardly_learned(guessing, trainer)
        assert ("detach_reset=True" in finding) is not recurrent
        assert ("warm_start=True" in finding) is recurrent
