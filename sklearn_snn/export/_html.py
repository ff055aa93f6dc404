"""`export_html`: one page that runs a fitted network in any browser."""

import html
import json
import re
from importlib.resources import files
from pathlib import Path

import numpy as np

from sklearn_snn._compat import num_samples
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.validation import validate_input
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.export._description import check_network, describe_network, summary
from sklearn_snn.export._samples import describe_input, describe_sample, rows_of
from sklearn_snn.inspection._pipelines import (
    active_steps,
    has_names,
    refuse_answers_per_step,
    unquantized_model,
)

_TITLE = "A spiking network, step by step"
# Labels that a message names.
_MAX_LISTED = 10
# In the order in which they need each other.
_SCRIPTS = (
    "inputs.js",
    "model.js",
    "player.js",
    "plots.js",
    "choices.js",
    "answer.js",
    "view.js",
)


@with_own_errstate
def export_html(
    estimator, path, samples, *, y=None, labels=None, image_shape=None, title=None
):
    """Write a page that runs a fitted network in a browser, and shows how it answers.

    The page is a single file that asks for nothing else: it can be opened from a disk,
    sent by mail, or put on any server. It shows, step by step, the spikes that come in,
    those of every hidden layer, the membrane of a chosen hidden neuron, those of the
    output neurons, and the answer so far; it plays, pauses, goes step by step, and is
    used by mouse, touch or keyboard.

    Whoever looks at it chooses one of `samples`, by buttons, or of more than 60 from a
    list. Where the page knows all that the estimator does before the network (a
    `PoissonSpikeEncoder` or nothing, after any number of `StandardScaler` and
    `MinMaxScaler`), they also draw images of their own, or, of up to 40 features that
    are no image, set values, within the range that each feature has in `samples` (or
    that the encoder learned, if nothing is before it). Samples behind other
    transformers and encoders, and recordings, are there as their spikes, or currents.

    Parameters
    ----------
    estimator : fitted estimator
        A `SpikingClassifier` or `SpikingRegressor`, a pipeline that ends in one, or a
        finished search over these.
    path : str or path-like
        File to write; one that is there is overwritten.
    samples : array-like, sparse matrix, data frame or SpikeTrains of n_samples samples
        What `predict` takes, lists of recordings of unequal length, too; 10 to 20 are
        a good choice. A sample takes some bytes per feature; a recording of values
        other than -1, 0 and 1 takes ``n_steps`` numbers per neuron of the first layer.
    y : array-like with n_samples rows, default=None
        True class, labels or numbers of the samples, which stand beside the answers.
    labels : array-like of str of shape (n_outputs,), default=None
        What classes, labels or numbers are called; None is `classes_`, or numbers them.
    image_shape : tuple of two int, default=None
        Height and width of samples that are images. None is a square, if that is
        possible, its side is 8 or more, and columns have no names.
    title : str, default=None
        Title of the page. None is "A spiking network, step by step".

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    NotFittedError
        If the estimator was not fitted.
    TypeError
        If there is no spiking network at its end, a quantised one (give what its
        `to_estimator` returns), or one of neurons that the page has not: it has those
        of `sklearn_snn.neurons`, with every reset and every readout.
    ValueError
        If there is no sample, `y`, `labels` or `image_shape` does not fit, `y` has
        labels that the network does not know, or is given for one that answers at each
        step, or a weight is not finite.

    See Also
    --------
    SpikingClassifier.simulate : The same spikes and membranes, as arrays.
    sklearn_snn.inspection : Pictures of them.

    Notes
    -----
    Spikes and membranes equal those of `simulate` to the bit, for all samples and for
    drawn images and set values that become spikes: the page rounds as the network does,
    sums weights exactly, and draws spikes by the same counter-based generator from the
    same seed. Where values are a constant current that someone sets or draws, this
    current is a sum of products, whose last bit hangs on the order of the summands; so
    may a spike that hangs on that bit. Probabilities agree up to rounding.

    The weights are in the file, where whoever gets it can read them. The page needs a
    browser of 2024 or later.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    >>> from sklearn_snn.export import export_html
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(
    ...     PoissonSpikeEncoder(n_steps=10, random_state=0),
    ...     SpikingClassifier((20,), max_iter=2, random_state=0),
    ... ).fit(X[:500], y[:500])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_html(model, Path(folder) / "digits.html", X[-9:], y=y[-9:])
    ...     path.name, path.stat().st_size < 200_000
    ('digits.html', True)
    """
    description = _describe(estimator, samples, y, labels, image_shape)
    text = json.dumps(description, allow_nan=False, separators=(",", ":"))
    folder = files("sklearn_snn.export") / "page"
    read = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in ("page.html", "style.css", *_SCRIPTS)
    }
    parts = {
        "title": html.escape(_TITLE if title is None else str(title)),
        "style": read["style.css"],
        "script": "\n".join(read[name] for name in _SCRIPTS),
        # In a script, nothing but this could end it.
        "network": text.replace("<", "\\u003c"),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], read["page.html"])
    path = Path(path)
    path.write_text(page, encoding="utf-8")
    return path


def _describe(estimator, samples, y, labels, image_shape):
    """Return all that the page is told, as plain values."""
    model = unquantized_model(estimator)
    *steps, _ = active_steps(estimator)
    if num_samples(samples) == 0:
        raise ValueError("samples are what the page shows: there must be one at least.")
    names = _names(model, labels)
    truths = _truths(model, names, y, num_samples(samples))
    X = samples
    for step in steps:
        X = step.transform(X)
    X = validate_input(model, X, reset=False)
    network, n_steps = model._network_for(X)
    params = model._learned_params()
    check_network(network, params)
    rows = rows_of(samples, X, steps)
    columns = None
    if has_names(estimator):
        columns = [str(name) for name in active_steps(estimator)[0].feature_names_in_]
    of_input = describe_input(rows, X, n_steps, params, columns, image_shape)
    limits = None
    if of_input["shape"] is not None:
        limits = np.asarray(of_input["low"]), np.asarray(of_input["high"])
    described = [
        describe_sample(i, rows, X, n_steps, network, params, limits)
        | {"truth": truths[i]}
        for i in range(X.shape[0])
    ]
    has_currents = of_input["kind"] != "rates" and not any(
        "spikes" in sample for sample in described
    )
    known = model._fitted_target().attributes()
    return describe_network(network, params, has_currents) | {
        "names": names,
        "mean": known["y_mean_"].tolist() if "y_mean_" in known else None,
        "scale": known["y_scale_"].tolist() if "y_scale_" in known else None,
        "summary": summary(network, params, X.shape[-1], all_lengths(X, n_steps)),
        "input": of_input,
        "samples": described,
    }


def _names(model, labels):
    """Return what the outputs are called."""
    if labels is None:
        return [str(name) for name in model._fitted_target().names]
    labels = [str(label) for label in labels]
    if len(labels) != model.n_outputs_:
        raise ValueError(
            f"labels must name the {model.n_outputs_} outputs of the network, got "
            f"{len(labels)}."
        )
    return labels


def _truths(model, names, y, n_samples):
    """Return the true answers as text, None where nobody gave them."""
    if y is None:
        return [None] * n_samples
    refuse_answers_per_step(model, "y is what stands beside")
    if num_samples(y) != n_samples:
        raise ValueError(
            f"There are {n_samples} samples, and {num_samples(y)} rows of y."
        )
    loss = model.network_.loss
    y = np.asarray(y, float if loss == "squared_error" else None)
    y = y.reshape(n_samples, -1)
    n_columns = 1 if loss == "cross_entropy" else model.n_outputs_
    if y.shape[1] != n_columns:
        raise ValueError(
            f"y must have {n_columns} {'column' if n_columns == 1 else 'columns'}, got "
            f"{y.shape[1]}."
        )
    of_samples = y.tolist()
    if loss == "cross_entropy":
        by_class = dict(zip(model.classes_.tolist(), names, strict=True))
        _refuse_unknown(y, by_class)
        return [by_class[label] for (label,) in of_samples]
    if loss == "logistic":
        _refuse_unknown(y, (0, 1))
        return [
            ", ".join(n for n, is_true in zip(names, row, strict=True) if is_true)
            or "none"
            for row in of_samples
        ]
    return [", ".join(f"{number:.4g}" for number in row) for row in of_samples]


def _refuse_unknown(y, known):
    """Raise ValueError if labels are none of those that are known."""
    unknown = list(dict.fromkeys(x for x in y.ravel().tolist() if x not in known))
    if unknown:
        raise ValueError(
            "y has labels that the network does not know: "
            f"{_listed(unknown)}. It knows {_listed(list(known))}."
        )


def _listed(labels):
    """Return the first of some labels as text."""
    more = ", ..." if len(labels) > _MAX_LISTED else ""
    return ", ".join(map(repr, labels[:_MAX_LISTED])) + more
