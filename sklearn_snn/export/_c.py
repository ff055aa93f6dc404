"""export_c: a quantised network as one C file without dependencies."""

import re
from pathlib import Path

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_snn.export._c_source import c_source
from sklearn_snn.inspection._pipelines import active_steps
from sklearn_snn.quantization._base import BaseQuantizedNetwork
from sklearn_snn.quantization._quantize import without_search

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def export_c(estimator, path, *, name="snn"):
    """Write a quantised network as one self-contained C file.

    It is C99, and needs nothing but ``stdint.h``: integer arithmetic, memory that is
    fixed when it is compiled, no mathematical functions, nothing allocated. Spikes of
    all layers, outputs and answers are those of the quantised estimator, to the bit.
    Its first lines say how it is used, what its inputs and outputs stand for, and how
    many bytes it takes. Its functions are

    - ``void snn_reset(void)``: puts the network at rest;
    - ``void snn_step(const uint8_t *spikes_in, uint8_t *spikes_out)``: runs a step,
      with 0 or 1 for each input, and for each output neuron; ``spikes_out`` may be 0.
      Graded sequences are given as whole numbers, as the file says. Of constant
      currents, ``snn_input(values)`` is called once, and then ``snn_step(spikes_out)``;
    - ``void snn_outputs(int64_t *outputs)``, ``int snn_answer(void)``: the outputs of
      the steps so far, and the index of the largest one in `classes_`. With several
      labels it is each output above 0 that is an answer, and of a regressor the outputs
      are the numbers, in a unit that the file says: neither has a ``snn_answer``;
    - ``const uint8_t *snn_spikes(int layer)``: the spikes of the last step of a layer.

    ``SNN_N_INPUTS``, ``SNN_N_OUTPUTS`` and ``SNN_N_LAYERS`` are defined, and
    ``SNN_N_STEPS`` where all samples in `fit` had as many steps.

    With ``SNN_MAIN`` defined there is a ``main``, which runs samples from standard
    input, for tests.

    Weights of up to 4 bits lie two in a byte, others of up to 8 bits one in a byte. An
    input, or neuron, that is silent costs nothing but a look.

    Parameters
    ----------
    estimator : QuantizedSpikingClassifier, QuantizedSpikingRegressor, Pipeline or \
            search
        Fitted: what `sklearn_snn.quantization.quantize` returns, or a search over such.
        Of a pipeline it is the last step that is written. Encoders and scalers before
        it are not in the file, which names them: what calls it has to do what they do.
    path : str or path-like
        The file, which is overwritten.
    name : str, default="snn"
        What all names in the file begin with: those of functions, and, in capitals,
        those of constants. So that a program can have several networks.

    Raises
    ------
    TypeError
        If the estimator is not quantised.
    ValueError
        If `name` cannot begin a name in C.
    NotFittedError
        If the estimator is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    sklearn_snn.quantization.quantize : Makes integers of a network.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.export import export_c
    >>> from sklearn_snn.quantization import quantize
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, max_iter=5, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "iris.c"
    ...     export_c(quantize(model.fit(X, y)), path)
    ...     "void snn_step(uint8_t *spikes_out)" in path.read_text()
    True
    """
    model = estimator = without_search(estimator)
    if isinstance(estimator, Pipeline):
        check_is_fitted(estimator)
        model = without_search(estimator[-1])
    if not isinstance(model, BaseQuantizedNetwork):
        raise TypeError(
            f"export_c writes networks of integers, which {type(model).__name__} is "
            "not: quantize it first, as in export_c(quantize(estimator), path)."
        )
    check_is_fitted(model)
    if not (isinstance(name, str) and _IDENTIFIER.fullmatch(name)):
        raise ValueError(
            "name must begin with a letter and consist of letters, digits and "
            f"underscores, got {name!r}."
        )
    before = active_steps(estimator)[:-1]
    Path(path).write_text(c_source(model, before, name), encoding="ascii", newline="\n")
