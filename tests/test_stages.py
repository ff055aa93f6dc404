"""Streams through the transformers of a pipeline: each step knows what came before."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import fast
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import ChannelTransformer, DelayLine, DeltaSpikeEncoder

N_STEPS = 15
TRANSFORMERS = {
    "scaler": [ChannelTransformer(StandardScaler())],
    "delays": [DelayLine(3, stride=2)],
    "no delay": [DelayLine(1)],
    "longer than any": [DelayLine(40)],
    "changes": [DeltaSpikeEncoder(0.4, max_count=2)],
    "changes from 0": [DeltaSpikeEncoder(0.4, initial=0.0)],
    "all": [
        ChannelTransformer(StandardScaler()),
        DeltaSpikeEncoder(0.3),
        DelayLine(2),
    ],
    "nested": [
        make_pipeline(DelayLine(2), "passthrough", DelayLine(3)),
        *(None, DelayLine(2)),
    ],
}
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn_snn.exceptions.InputMismatchWarning",
)


def walks(n_samples=12, n_steps=N_STEPS, dtype=float):
    rng = np.random.default_rng(0)
    X = rng.normal(0, 0.5, size=(n_samples, n_steps, 2)).cumsum(axis=1)
    return X.astype(dtype), np.arange(n_samples) % 2


def fitted(name, dtype=float):
    """Return a pipeline, its stream's transformers, and what it was fitted on."""
    X, y = walks(dtype=dtype)
    model = make_pipeline(*TRANSFORMERS[name], fast(engine="numpy")).fit(X, y)
    return model, X


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_answers_are_those_of_the_pipeline(name, dtype):
    model, X = fitted(name, dtype)
    stream = model[-1].stream(transformers=model[:-1])
    for t, step in enumerate(X[1]):
        if t == 4:
            stream = pickle.loads(pickle.dumps(stream))
        answer = stream.feed(step).predict_proba()
        whole = model.predict_proba(X[1:2, : t + 1])[0]
        np.testing.assert_allclose(answer, whole, rtol=1e-5)
    several = model[-1].stream(3, transformers=list(model[:-1]))
    for cut in (slice(2), slice(2, 9), slice(9, None)):
        several.feed(X[:3, cut])
    whole = model.predict_proba(X[:3])
    np.testing.assert_allclose(several.predict_proba(), whole, rtol=1e-5)
    several.reset().feed(X[1:4])
    whole = model.predict_proba(X[1:4])
    np.testing.assert_allclose(several.predict_proba(), whole, rtol=1e-5)


@pytest.mark.parametrize("name", ["delays", "changes", "all"])
def test_bad_steps_change_nothing(name):
    model, X = fitted(name)
    stream = model[-1].stream(transformers=model[:-1]).feed(X[0, :5])
    for bad, match in (
        (np.full(2, np.nan), r"NaN .* ChannelTransformer\(SimpleImputer\(\)\)"),
        (np.array([X[0, 5], [0, np.inf]]), "infinity"),
        (np.zeros(3), r"shape \(2\), a step, or \(n_steps, 2\)"),
        (["a", "b"], "must be numbers"),
    ):
        with pytest.raises(ValueError, match=match):
            stream.feed(bad)
    with pytest.MonkeyPatch.context() as patch:

        def stop(*args, **kwargs):
            raise KeyboardInterrupt

        patch.setattr("sklearn_snn._stream.forward", stop)
        with pytest.raises(KeyboardInterrupt):
            stream.feed(X[0, 5:7])
    stream.feed(X[0, 5:])
    whole = model.predict_proba(X[:1])[0]
    np.testing.assert_allclose(stream.predict_proba(), whole, rtol=1e-5)


def test_no_more_is_kept_than_a_delay_line_has():
    model, X = fitted("delays")
    stream = model[-1].stream(transformers=model[:-1])
    sizes = {len(pickle.dumps(stream.feed(np.tile(X[0], (20, 1))))) for _ in range(5)}
    sizes |= {len(pickle.dumps(stream.feed(x))) for x in X[0]}
    assert max(sizes) - min(sizes) < 100
    (state,) = stream._before
    assert state.shape == (1, 4, 2) and state.base is None


def test_gaps_are_filled_as_in_whole_recordings():
    X, y = walks()
    X[:, 3, 0] = np.nan
    imputer = ChannelTransformer(SimpleImputer())
    model = make_pipeline(imputer, fast(engine="numpy")).fit(X, y)
    stream = model[-1].stream(transformers=imputer)
    for step in X[0]:
        stream.feed(step)
    whole = model.predict_proba(X[:1])[0]
    np.testing.assert_allclose(stream.predict_proba(), whole, rtol=1e-5)


@pytest.mark.parametrize("name", ["delays", "changes", "all"])
def test_steps_may_come_in_the_same_array(name):
    model, X = fitted(name)
    stream, buffer = model[-1].stream(transformers=model[:-1]), np.empty((3, 2))
    for first in range(0, N_STEPS, 3):
        buffer[:] = X[0, first : first + 3]
        stream.feed(buffer)
    whole = model.predict_proba(X[:1])[0]
    np.testing.assert_allclose(stream.predict_proba(), whole, rtol=1e-5)


def test_what_becomes_of_the_transformers_later_does_not_show():
    model, X = fitted("all")
    stream, whole = model[-1].stream(transformers=model[:-1]), model.predict_proba(X)
    model[0].transformer_.mean_[:] = 100
    model[2].n_delays = 7
    stream.feed(X[0])
    np.testing.assert_allclose(stream.predict_proba(), whole[0], rtol=1e-5)


# Data frames


def named(x, dtype="float64"):
    return pd.DataFrame(x, columns=["a", "b"]).astype(dtype)


@pytest.mark.parametrize("transformers", ["scaler", "delays", None])
def test_names_of_steps_are_compared(transformers):
    X, y = walks()
    before = TRANSFORMERS[transformers] if transformers else []
    model = make_pipeline(*before, fast(engine="numpy")).fit([*map(named, X)], y)
    of_pipeline = model[:-1] if transformers else None
    whole = model.predict_proba([*map(named, X[:2])])
    stream = model[-1].stream(transformers=of_pipeline)
    streams = model[-1].stream(2, transformers=of_pipeline)
    swapped = named(X[0])[["b", "a"]]
    for feed, other in (
        (stream.feed, swapped),
        (stream.feed, swapped.iloc[0]),
        (stream.feed, pl.DataFrame({"b": X[0, :, 1], "a": X[0, :, 0]})),
        (streams.feed, [named(X[0]), swapped]),
    ):
        with pytest.raises(ValueError, match=r"columns 'b', 'a', and .* had 'a', 'b'"):
            feed(other)
    stream.feed(named(X[0]).iloc[0]).feed(named(X[0]).iloc[1:3])
    stream.feed(X[0, 3]).feed(pl.DataFrame({"a": X[0, 4:, 0], "b": X[0, 4:, 1]}))
    np.testing.assert_allclose(stream.predict_proba(), whole[0], rtol=1e-5)
    streams.feed([named(x) for x in X[:2]])
    np.testing.assert_allclose(streams.predict_proba(), whole, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["Float64", {"a": "Int16", "b": "Float64"}])
def test_frames_of_nullable_types(dtype):
    X, y = walks()
    X = X.round()
    frames = [named(x, dtype) for x in X]
    for frame in frames:
        frame.iloc[3, 0] = pd.NA
    imputer = ChannelTransformer(SimpleImputer())
    model = make_pipeline(imputer, fast(engine="numpy")).fit(frames, y)
    stream = model[-1].stream(transformers=imputer)
    for t in range(5):
        stream.feed(frames[0].iloc[t])
    stream.feed(frames[0].iloc[5:])
    whole = model.predict_proba(frames[:1])[0]
    np.testing.assert_allclose(stream.predict_proba(), whole, rtol=1e-5)


def test_transformers_that_do_not_fit():
    model, X = fitted("delays")
    with pytest.raises(TypeError, match="FunctionTransformer does not go from step to"):
        model[-1].stream(transformers=[FunctionTransformer(), *model[:-1]])
    with pytest.raises(TypeError, match="SpikingClassifier does not go from step to"):
        model[-1].stream(transformers=model)
    with pytest.raises(NotFittedError):
        model[-1].stream(transformers=DelayLine(3))
    model[0].stride = 0
    with pytest.raises(ValueError, match="'stride' parameter of DelayLine must be an"):
        model[-1].stream(transformers=model[:-1])
    others = DelayLine(2).fit(X)
    with pytest.raises(ValueError, match=r"make 4 channels of a step, and.*takes 6"):
        model[-1].stream(transformers=others).feed(X[0, 0])
