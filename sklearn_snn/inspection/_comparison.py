"""What contributions are to: of which output, and compared with which other."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from sklearn_snn.inspection._text import number


class Comparison(NamedTuple):
    """A weighted sum of the outputs of one sample.

    Attributes
    ----------
    direction : ndarray of shape (n_outputs,)
        Weights of the outputs, or of the currents of output neurons that fire.
    answer : str
        What the sum speaks for.
    against : str or None
        What speaks against it; None for one output alone.
    """

    direction: np.ndarray
    answer: str
    against: str | None


def compare(record, against, output):
    """Return what is compared: two classes, or an output alone.

    Parameters
    ----------
    record : SimulationRecord
        Of one sample.
    against : label, "mean" or None
        Of a class.
    output : int or None
        Of a label or number.

    Returns
    -------
    comparison : Comparison

    Raises
    ------
    ValueError
        If there is no such class or output, or the class is the answer.
    """
    if record.loss == "cross_entropy":
        if output is not None:
            raise ValueError(
                "output chooses one of several labels, or numbers; with which class "
                f"the answer is compared says against. Got output={output!r}."
            )
        return _of_classes(record, against)
    if against is not None:
        raise ValueError(
            "against names a class, of which there are none here: the contributions "
            f"are to one output, chosen by output. Got against={against!r}."
        )
    n_outputs = len(record.classes)
    if output is None:
        is_labels = record.loss == "logistic"
        output = int(record.logits[0, -1].argmax()) if is_labels else 0
    elif not isinstance(output, Integral) or not 0 <= output < n_outputs:
        raise ValueError(
            f"output must be the index of one of {n_outputs} outputs, got {output!r}."
        )
    return _of_output(record, int(output))


def _of_classes(record, against):
    logits, classes = record.logits[0, -1], record.classes.tolist()
    winner, n_classes = int(logits.argmax()), len(classes)
    direction, answer = np.zeros(n_classes), str(classes[winner])
    if isinstance(against, str) and against == "mean" and against not in classes:
        direction[:] = -1 / (n_classes - 1)
        direction[winner] = 1
        return Comparison(direction, answer, "the mean of the others")
    if against is None:
        order = np.argsort(-logits, kind="stable")
        other = int(order[order != winner][0])
    elif against not in classes or classes.index(against) == winner:
        others = [label for i, label in enumerate(classes) if i != winner]
        raise ValueError(
            "against must be 'mean' or a class other than the answer, one of "
            f"{others}, got {against!r}."
        )
    else:
        other = classes.index(against)
    direction[winner], direction[other] = 1, -1
    return Comparison(direction, answer, str(classes[other]))


def _of_output(record, k):
    direction = np.zeros(len(record.classes))
    if record.loss == "logistic":
        direction[k] = 1
        return Comparison(direction, f"label {record.classes[k]}", None)
    name = "the value" if len(direction) == 1 else f"number {k}"
    if record.thresholds[-1] is not None:  # of a neuron that fires it is the current
        direction[k] = 1
        return Comparison(direction, name, None)
    # In the unit of y, in which an output of 0 is its mean.
    direction[k] = record.y_scale[k]
    answer = f"{name} over its mean {number(record.y_mean[k])}"
    return Comparison(direction, answer, None)
