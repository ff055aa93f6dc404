"""Bad input: an error of the right type that says what was given, before any work."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    PoissonSpikeEncoder,
    SpikeTrains,
    SpikingClassifier,
    SpikingRegressor,
)
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn.neurons import CUBA, LIF, AdLIF

pytestmark = pytest.mark.usefixtures("engine")

X2 = np.random.default_rng(0).random((12, 4))
X3 = np.repeat(X2[:, None], 5, axis=1)
TRAINS = SpikeTrains(X2, 5)
Y = np.arange(12) % 2


@pytest.fixture(autouse=True)
def no_work(request, monkeypatch):
    """Fail if a network is trained or run before the error."""

    def work(*args):
        raise AssertionError("work was done before the input was refused")

    if "works" not in request.fixturenames:
        monkeypatch.setattr("sklearn_snn._engines.numpy_chunks.forward", work)
        monkeypatch.setattr(NumbaEngine, "run_batch", work)


@pytest.fixture
def works():
    """Let the network run: the test needs a fitted one."""


@pytest.fixture
def fitted(works):
    return SpikingClassifier(hidden_layer_sizes=(3,), max_iter=1).fit(X2, Y)


def with_value(X, value):
    X = X.astype(float)
    X.flat[3] = value
    return X


def refused(X, y=Y, match=None, error=ValueError, **params):
    with pytest.raises(error, match=match):
        SpikingClassifier(**params).fit(X, y)


@pytest.mark.parametrize("X", [X2, X3], ids=["2-D", "3-D"])
@pytest.mark.parametrize(
    ("value", "match"), [(np.nan, "contains NaN"), (np.inf, "contains infinity")]
)
def test_nan_and_infinity(X, value, match):
    refused(with_value(X, value), match=match)
    if X.ndim == 2:
        refused(sparse.csr_array(with_value(X, value)), match=match)
        with pytest.raises(ValueError, match=match):
            PoissonSpikeEncoder().fit(with_value(X, value))


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_gaps_in_recordings(dtype):
    """scikit-learn's advice is for tables."""
    gaps = with_value(X3, np.nan)
    for X in (gaps.astype(dtype), gaps.tolist()):
        refused(X, match=r"X contains NaN\. ChannelTransformer\(SimpleImputer\(\)\)")
    refused(with_value(X2, np.nan), match="HistGradientBoosting")
    refused(X3, np.where(Y, np.nan, 1.0), match="y contains NaN")
    filled = ChannelTransformer(SimpleImputer()).fit_transform(gaps)
    assert np.isfinite(filled).all()


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (2 * np.eye(12, 3) - 1, r"of shape \(12, 3\) with the values 1.0, -1.0\.$"),
        (np.eye(12, 3) + 1, r"with the values 2.0, 1.0\.$"),
        (np.arange(36).reshape(12, 3), r"with the values 0, 1, 2, 3, \.\.\.\.$"),
        (6 * [["a", "b"], ["b", "c"]], r"values 'a', 'b', 'c'\. .*MultiLabelBinarizer"),
        (6 * [["a", "b"], ["c"]], r"y has rows of unequal .*MultiLabelBinarizer"),
        (6 * [[1, 2], []], r"y has rows of unequal .*MultiLabelBinarizer"),
    ],
    ids=["signs", "one and two", "many", "names", "lists of names", "lists"],
)
def test_what_is_said_of_y_that_is_no_labels(y, match):
    refused(X2, y, match=match)
    refused(X3, y, match=match)


def test_what_is_said_of_y_that_is_no_numbers():
    match = r"y has rows of unequal length: .* equally many numbers\.$"
    with pytest.raises(ValueError, match=match):
        SpikingRegressor().fit(X3, 6 * [[1, 2], [3]])


def test_groups_are_no_list():
    """What numpy says of them is not meant of y."""
    table = pd.DataFrame(X2).assign(of=np.repeat(np.arange(4), 3))
    for frame in (table, table.iloc[:-1]):
        match = r"\[x\.drop\(columns=name\) for _, x in X\]"
        refused(frame.groupby("of"), np.arange(4) % 2, match=match)


@pytest.mark.parametrize("nothing", [[], ()])
def test_lists_of_nothing(nothing, fitted):
    match = "X is an empty list: at least one sample"
    refused(nothing, [], match=match)
    for use in (
        fitted.predict,
        PoissonSpikeEncoder().fit,
        DelayLine().fit,
        ChannelTransformer(SimpleImputer()).fit,
    ):
        with pytest.raises(ValueError, match=match):
            use(nothing)


@pytest.mark.parametrize("X", [X2, X3, TRAINS], ids=["2-D", "3-D", "trains"])
@pytest.mark.usefixtures("works")
def test_wrong_number_of_features_at_predict(X):
    shorter = {2: X2[:, :3], 3: X3[:, :, :3]}[X.ndim]
    if isinstance(X, SpikeTrains):
        shorter = SpikeTrains(X2[:, :3], 5)
    fitted = SpikingClassifier((3,), max_iter=1).fit(X, Y)
    fitted.predict(X)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        fitted.predict(shorter)


@pytest.mark.parametrize(
    ("X", "others", "match"),
    [
        (
            X2,
            (X3, TRAINS),
            r"X is a seq.* a constant current per .* as input\.$",
        ),
        (X3, (X2, X3[0]), r"X is a constant .* \(A single sequence is \[X\]\.\)"),
        (TRAINS, (X2,), "X is a constant current per sample .* a sequence per sample"),
    ],
)
@pytest.mark.usefixtures("works")
def test_constant_currents_and_sequences_are_not_mixed(X, others, match):
    model = SpikingClassifier((3,), max_iter=1, warm_start=True).fit(X, Y)
    for other in others:
        for method in (model.predict, model.simulate):
            with pytest.raises(ValueError, match=match):
                method(other)
        for method in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match=match):
                method(other, Y[: other.shape[0]])
    for neither in (X2[0], 3.0, None):
        with pytest.raises((ValueError, TypeError), match=r"1D|scalar|NoneType|dim 0"):
            model.predict(neither)
    for same in (X3, TRAINS) if X.ndim == 3 else (X2, sparse.csr_array(X2)):
        model.predict(same)


def test_wrong_number_of_features_at_transform():
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        PoissonSpikeEncoder().fit(X2).transform(X2[:, :3])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (X2[0], "Expected 2D array, got 1D"),
        (X3[:, None], r"dim 4; .* accepts \(n_samples, n_features\) and"),
        (5.0, "Expected 2D array, got scalar"),
        (X2[:0], "0 sample"),
        (X2[:, :0], r"0 feature\(s\)"),
        (X3[:0], "0 sample"),
        (X3[:, :0], "at least one sample, one step and one feature"),
        (X3[:, :, :0], "at least one sample, one step and one feature"),
        (TRAINS[:0], "at least one sample, one step and one feature"),
        (SpikeTrains(X2[:, :0], 5), "at least one sample, one step and one feature"),
    ],
)
def test_wrong_dimensions(X, match):
    n = len(X) if hasattr(X, "__len__") else 1
    refused(X, Y[:n] if n else [], match=match)


@pytest.mark.parametrize("X", [X2, X3, TRAINS], ids=["2-D", "3-D", "trains"])
@pytest.mark.parametrize(
    ("y", "match"),
    [
        (Y[:-1], "inconsistent numbers of samples"),
        (np.zeros(12), "only one class: .*0.0"),
        (np.linspace(0, 1, 12), "Unknown label type"),
        (None, "requires y to be passed"),
        (np.where(Y, np.nan, 1.0), "contains NaN"),
        (np.eye(12, 3) + 1, "must hold 0 and 1 for each of several labels, 3 here"),
        (2 * np.eye(12, 3) - 1, "must hold 0 and 1 for each of several labels, 3 he"),
        (np.arange(36).reshape(12, 3) % 3, "labels, 3 here; got 'multiclass-multiou"),
        (np.eye(12, 3) / 3, "several labels, 3 here; got 'continuous-multioutput'"),
        (np.eye(12, 3)[:-1], "inconsistent numbers of samples"),
        (np.eye(12, 3)[:, None], "dim 3"),
    ],
    ids=[
        *("length", "one class", "continuous", "none", "nan"),
        *("one and two", "signs", "several classes", "several numbers"),
        *("length of labels", "3-D"),
    ],
)
def test_bad_y(X, y, match):
    refused(X, y, match=match)


@pytest.mark.parametrize("X", [X2, X3, TRAINS], ids=["2-D", "3-D", "trains"])
def test_fewer_samples_than_needed(X):
    """Two classes take two samples."""
    refused(X[:1], Y[:1], match=r"at least 2 classes in y, but .* only one class")


def test_text_features():
    text = np.full((12, 4), "spike", dtype=object)
    refused(text, match="could not convert string to float")
    refused(np.repeat(text[:, None], 2, axis=1), match="could not convert string")
    with pytest.raises(ValueError, match="could not convert string to float"):
        PoissonSpikeEncoder().fit(text)


def test_complex_features():
    refused(X2 + 1j, match="Complex data not supported")
    refused(X3 + 1j, match="Complex data not supported")


@pytest.mark.parametrize("X", [2 * X2, X2 - 1, sparse.csr_array(2 * X2)])
def test_intensities_outside_the_unit_interval(X):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], got values from"):
        PoissonSpikeEncoder(scaling=None).fit(X)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"alpha": -0.1}, "'alpha' .* in the range \\[0.*, 1.*\\]. Got -0.1"),
        ({"alpha": 1.1}, "'alpha'"),
        ({"threshold": 0}, "'threshold'"),
        ({"threshold": -1}, "'threshold'"),
        ({"threshold": np.longdouble("1e-4000")}, "threshold must be .* becomes 0"),
        ({"beta": 0}, "'beta'"),
        ({"n_steps": 0}, "'n_steps'"),
        ({"n_steps": 2.5}, "'n_steps'"),
        ({"surrogate": "tanh"}, "'surrogate' .* among .*'sigmoid'"),
        ({"reset": "soft"}, "'reset' .* among .*'subtract'"),
        ({"readout": "last"}, "'readout' .* among .*'membrane_mean'"),
        ({"readout_alpha": 1.5}, "'readout_alpha' .* in the range"),
        ({"readout_start": -1}, "'readout_start' .* in the range"),
        ({"readout_start": 25}, "smaller than the number of steps, 25, of which some"),
        ({"readout": "membrane_max", "readout_alpha": 1}, "and where membranes are re"),
        (
            {"learn_neuron": "readout_alpha", "readout_alpha": 1},
            "readout_alpha must be",
        ),
        ({"neuron": "izhikevich"}, "'neuron' .* among .*'cuba'"),
        ({"neuron": LIF}, "'neuron'"),
        ({"neuron": LIF(alpha=1.5)}, "'alpha' parameter of LIF must be"),
        ({"neuron": LIF(alpha=(0.5, 1.0))}, r"below 1 in a pair. Got \(0.5, 1.0\)"),
        ({"neuron": LIF(threshold=(0.5, 0.7, 1))}, "a number or a pair of them"),
        ({"neuron": AdLIF(q=(1, 2))}, "'q' parameter of AdLIF must be a number, pos"),
        ({"neuron": AdLIF(rho=1)}, r"'rho' parameter of AdLIF must be .* in \[0, 1\)"),
        (
            {"neuron": CUBA(alpha_syn=1)},
            r"'alpha_syn' .* of CUBA must be .* in \[0, 1\)",
        ),
        ({"neuron": CUBA(alpha_syn=None)}, "'alpha_syn' .* a number or a pair of them"),
        (
            {"neuron": CUBA(), "alpha": 1.0},
            "alpha must be below 1 .* current-based neu",
        ),
        ({"learn_neuron": "rho"}, r"'lif' or of the readout, .* \['alpha', 'thr"),
        ({"learn_neuron": ["alpha", 3]}, "names of constants of the neuron 'lif'"),
        ({"learn_neuron": "alpha", "alpha": 1.0}, "alpha must be below 1 where it"),
        ({"neuron": AdLIF(alpha=None), "alpha": 1.0}, "alpha must be below 1 where cu"),
        ({"neuron": AdLIF(alpha=1.0)}, "alpha must be below 1 where currents are"),
        ({"readout": "membrane_mean", "alpha": 1}, "^alpha must be below 1 where curr"),
        (
            {"readout": "membrane_mean", "readout_alpha": 1.0},
            "^readout_alpha must be below 1 where currents are multiplied",
        ),
        ({"solver": "lbfgs"}, "'solver' .* among .*'adam'"),
        ({"learning_rate": "step"}, "'learning_rate' .* among .*'cosine'"),
        ({"engine": "torch"}, "'engine' .* among .*'numpy'"),
        ({"logit_scale": 0}, "'logit_scale'"),
        ({"batch_size": 0}, "'batch_size'"),
        ({"max_iter": 0}, "'max_iter'"),
        ({"hidden_layer_sizes": (3, 0)}, "positive int or a sequence of them"),
        ({"hidden_layer_sizes": True}, "positive int or a sequence of them"),
        ({"hidden_layer_sizes": (3, True)}, "positive int or a sequence of them"),
        ({"hidden_layer_sizes": (2.5,)}, "positive int or a sequence of them"),
        ({"hidden_layer_sizes": [[3]]}, "positive int or a sequence of them"),
        ({"hidden_layer_sizes": "100"}, "'hidden_layer_sizes'"),
    ],
    ids=str,
)
def test_bad_parameters(params, match):
    refused(X2, match=match, **params)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_steps": 0}, "'n_steps'"),
        ({"max_rate": 0}, "'max_rate'"),
        ({"max_rate": 1.5}, "'max_rate'"),
        ({"scaling": "minmax"}, "'scaling' .* among .*'global'"),
        ({"random_state": "x"}, "'random_state'"),
    ],
    ids=str,
)
def test_bad_parameters_of_the_encoder(params, match):
    with pytest.raises(ValueError, match=match):
        PoissonSpikeEncoder(**params).fit(X2)


def test_unknown_parameter_names():
    with pytest.raises(TypeError, match="unexpected keyword argument 'leak'"):
        SpikingClassifier(leak=0.9)
    with pytest.raises(ValueError, match="Invalid parameter 'leak'"):
        SpikingClassifier().set_params(leak=0.9)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_predict_before_fit(method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(SpikingClassifier(), method)(X2)


def test_transform_before_fit():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        PoissonSpikeEncoder().transform(X2)
