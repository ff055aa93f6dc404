"""What stands around a fit: callbacks, patience, what is printed, all or nothing."""

from contextlib import contextmanager

import numpy as np

# The kinds of compiled code that were announced in this process.
_announced = set()


class Stall:
    """Counts the epochs in a row in which a score did not improve by `tol`."""

    def __init__(self, tol, patience):
        self.tol, self.patience = tol, patience
        self.best, self.count = -np.inf, 0

    def is_over(self, score):
        """Take the score of another epoch; tell whether patience is at its end."""
        self.count = self.count + 1 if score < self.best + self.tol else 0
        self.best = max(self.best, score)
        return self.count > self.patience


class Callbacks:
    """The calls that scikit-learn's callbacks get during a fit; an epoch is a leaf.

    They are given the data as the user gave it, which the labels of `classes_` and the
    names of features belong to.
    """

    def __init__(self, estimator, user_data, max_iter):
        X, y, sample_weight = user_data
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._call = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = estimator._init_callback_context(max_subtasks=max_iter)
        self._root.call_on_fit_task_begin(**self._call)
        self._epoch = None

    def begin_epoch(self):
        """Say that an epoch begins."""
        self._epoch = self._root.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._call)

    def end_epoch(self, fitted):
        """Say what an epoch led to; tell whether a callback wants no further one."""
        return self._epoch.call_on_fit_task_end(
            **self._call, reconstruction_attributes=fitted
        )

    def end(self):
        """Say that the estimator is fitted."""
        self._root.call_on_fit_task_end(**self._call, reconstruction_attributes={})


def compile_aloud(engine, params, samples):
    """Compile or load the code of a compiled engine, and say so.

    Once in a process for each kind of code: what is loaded takes no time.

    Parameters
    ----------
    engine : engine
    params : list of dicts of ndarrays
    samples : Samples
    """
    kind = _kind_of_code(engine, params, samples.X)
    if kind not in _announced:
        print(
            "Preparing the compiled engine: the first use on a machine takes some "
            "seconds",
            flush=True,
        )
        _announced.add(kind)
    if seconds := engine.prepare(params, samples.X, samples.y):
        print(f"Compiled in {seconds:.1f} s", flush=True)


def _kind_of_code(engine, params, X):
    """Return what code is compiled for: neurons, types of numbers, kind of input.

    Not whether the outputs fire: an integrator is a neuron of an infinite threshold.
    """
    first = engine.network.layers[0]
    neurons = [layer.neuron for layer in engine.network.layers]
    hidden = None if len(neurons) == 1 else type(first.neuron)
    # A constant is one number if all neurons of a kind share it, else an array.
    has_arrays = any(neuron.learned for neuron in neurons)
    for name in {name for p in params[:-1] for name in p} - {"coef", "intercept"}:
        values = np.concatenate([p[name] for p in params[:-1]])
        has_arrays |= bool((values != values[0]).any())
    of_neurons = hidden, first.recurrent, has_arrays, params[0]["coef"].dtype
    return (*of_neurons, *((type(X), X.dtype) if X.ndim == 3 else ()))


def report(fitted, epoch, title):
    """Print one line on an epoch."""
    scores = fitted["validation_scores_"]
    validation = f"validation score {scores[-1]:.4f}, " if scores else ""
    rates = " ".join(f"{rate:.3f}" for rate in fitted["firing_rates_"])
    print(
        f"{title}: loss {epoch.loss:.4f}, {validation}firing rates {rates}, "
        f"{epoch.seconds:.2f} s",
        flush=True,
    )


@contextmanager
def all_or_nothing(estimator):
    """Give the estimator back as it was if the block does not end well."""
    before = _fitted_attributes(estimator)
    try:
        yield
    except BaseException:
        for name in _fitted_attributes(estimator):
            delattr(estimator, name)
        vars(estimator).update(before)
        raise


def _fitted_attributes(estimator):
    """Return what a fit leaves, by scikit-learn's convention for names."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.endswith("__")
    }
