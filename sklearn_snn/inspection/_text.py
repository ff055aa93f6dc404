"""What the displays say: truth, answer and probability, and labels that fit."""

import textwrap
from collections import Counter
from itertools import takewhile
from numbers import Real

import numpy as np

from sklearn_snn._compat import num_samples
from sklearn_snn._inputs.tensors import of_numpy

_DOTS = "\N{HORIZONTAL ELLIPSIS}"
_SPACE = "\N{NO-BREAK SPACE}"
# Longest label, in characters.
_LONGEST = 20
# What an output stands for, by what a network was trained on.
OUTPUT_NAMES = {
    "cross_entropy": "Class",
    "logistic": "Label",
    "squared_error": "Number",
}
# Of more numbers than these, not all are written.
_MANY_NUMBERS = 6
# Mean width of a character, in font sizes.
_CHARACTER_WIDTH = 0.55


def short(label, longest=_LONGEST):
    """Return a label as text that is short, and drawn by matplotlib as it is."""
    text = cut(" ".join(str(label).split()), longest)
    return text.replace("$", r"\$")  # which would begin a formula


def cut(text, longest):
    """Return text of at most so many characters."""
    if len(text) <= longest:
        return text
    return text[: longest - 1].rstrip("\\") + _DOTS


def told_apart(labels, longest=_LONGEST):
    """Return labels as `short` does; those that it makes equal keep their ends.

    Parameters
    ----------
    labels : sequence
    longest : int, default=20

    Returns
    -------
    texts : list of str
    """
    whole = [" ".join(str(label).split()) for label in labels]
    texts = [cut(text, longest) for text in whole]
    for shorten in (_without_middle, _where_they_differ):
        alike = [text for text, n in Counter(texts).items() if n > 1]
        for text in alike:
            indices = [i for i, other in enumerate(texts) if other == text]
            if len({whole[i] for i in indices}) > 1:
                new = shorten([whole[i] for i in indices], longest)
                texts = [
                    new[indices.index(i)] if i in indices else other
                    for i, other in enumerate(texts)
                ]
    return [text.replace("$", r"\$") for text in texts]


def _without_middle(texts, longest):
    n_last = longest // 2
    return [
        cut(text[: len(text) - n_last], longest - n_last) + text[-n_last:]
        if len(text) > longest
        else text
        for text in texts
    ]


def _where_they_differ(texts, longest):
    """Return texts, cut, from shortly before where the first of them differ."""
    same = takewhile(lambda column: len({*column}) == 1, zip(*texts, strict=False))
    start = max(0, len([*same]) - 2)
    return [cut(_DOTS + text[start:], longest) for text in texts]


def column_labels(names, given):
    """Return names of columns, with the value that the user gave where there is one.

    The names are whole: they are cut where they are drawn, by `named_values`.
    """
    names = [str(name) for name in names]
    brief = [_column(name) for name in names]
    labels = brief if len(set(brief)) == len(brief) else names
    return [
        label if value is None else f"{label} = {_value(value)}"
        for label, value in zip(labels, given, strict=True)
    ]


def named_values(labels, longest):
    """Return labels of columns, cut so that names are told apart and values are whole.

    Parameters
    ----------
    labels : list of str
        "name" or "name = value".
    longest : int
        Characters of a label. A name has 6 at least, and 20 at most.
    """
    parts = [_name_and_value(label) for label in labels]
    room = longest - max((len(value) for _, value in parts), default=0)
    names = told_apart([name for name, _ in parts], min(_LONGEST, max(6, room)))
    return [name + value for name, (_, value) in zip(names, parts, strict=True)]


def _name_and_value(label):
    name, sign, value = label.rpartition(" = ")
    return (name, sign + short(value)) if sign else (label, "")


def _column(name):
    """Return a name, if it is long without that of the step which it begins with."""
    return name if len(name) <= _LONGEST else name.rpartition("__")[2] or name


def _value(value):
    if isinstance(value, Real) and not isinstance(value, bool):
        return f"{float(value):.4g}"
    return short(value, 12)


def true_label(y, n_samples, sample, n_columns=1):
    """Return the true label of a sample, or None if nobody gave it.

    Parameters
    ----------
    y : array-like with n_samples rows, label or row of one sample, or None
    n_samples : int
    sample : int
    n_columns : int or None, default=1
        How many labels or numbers a sample has; None is as many as y says.

    Returns
    -------
    truth : label or None; or an ndarray of shape (n_columns,), if these are several

    Raises
    ------
    ValueError
        If y has another number of them.
    """
    if n_columns is None:
        n_columns = np.shape(y)[1] if np.ndim(y) == 2 else 1
    if y is not None and n_columns > 1:
        return _row_of_several(y, n_samples, sample, n_columns)
    y = of_numpy(y)
    if y is None or isinstance(y, (str, bytes)) or np.ndim(y) == 0:
        return y
    if num_samples(y) != n_samples or np.size(y) != n_samples:
        raise ValueError(
            f"y must be a label, or one for each of the {n_samples} samples of X, got "
            f"an array of shape {np.shape(y)}."
        )
    return np.ravel(y)[sample]


def _row_of_several(y, n_samples, sample, n_columns):
    rows = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    if rows.shape == (n_columns,):
        return rows
    if rows.shape != (n_samples, n_columns):
        raise ValueError(
            f"y must be of shape ({n_samples}, {n_columns}), or of ({n_columns},) for "
            f"the sample alone, got {rows.shape}."
        )
    return rows[sample]


def answer_title(record, sample, truth=None):
    """Return a line on what the network answers to a sample, and how sure it is.

    Parameters
    ----------
    record : SimulationRecord
    sample : int
    truth : label, ndarray of shape (n_outputs,), or None
        As `true_label` returns it.
    """
    return _TITLES[record.loss](record, sample, truth)


def _title_of_class(record, sample, truth):
    logits = record.logits[sample, -1]
    winner = logits.argmax()
    classes = record.classes.tolist()
    labels = told_apart(classes)
    if truth is not None:
        is_known = truth in classes
        truth = labels[classes.index(truth)] if is_known else short(truth)
    tied = [labels[k] for k in np.flatnonzero(logits == logits[winner])]
    # The answer is the first of equals. The truth is named first among the others.
    tied = sorted(tied[1:], key=lambda label: label != truth)
    p = _probability(record.probabilities[sample, -1, winner])
    return title_line(f"{labels[winner]} ({p}{_tied(tied)})", truth)


def _title_of_labels(record, sample, truth):
    names = told_apart(record.classes.tolist())
    p = record.probabilities[sample, -1]
    # As `predict` does it: no probability of just 0.5.
    told = np.flatnonzero(record.logits[sample, -1] > 0)
    answer = ", ".join(f"{names[k]}{_SPACE}({_probability(p[k])})" for k in told)
    answer = answer or f"no label ({_probability(p.max())} at most)"
    return title_line(answer, truth_text(truth, names), "; ")


def _title_of_numbers(record, sample, truth):
    values = record.values[sample, -1]
    separator = ", " if len(values) == 1 else "; "
    if truth is not None:
        truth = _numbers(np.atleast_1d(truth))
    return title_line(_numbers(values), truth, separator)


_TITLES = {
    "cross_entropy": _title_of_class,
    "logistic": _title_of_labels,
    "squared_error": _title_of_numbers,
}


def truth_text(truth, names=None):
    """Return the label or labels of a sample as text, or None.

    Parameters
    ----------
    truth : label, ndarray of shape (n_outputs,), or None
        As `true_label` returns it.
    names : list of str, default=None
        Names of the labels of which an array says 0 or 1; None numbers them.
    """
    if np.ndim(truth) == 0:
        return None if truth is None else short(truth)
    if not np.isin(truth, (0, 1)).all():
        return _numbers(truth)
    told = np.flatnonzero(truth)
    return ", ".join(str(k) if names is None else names[k] for k in told) or "no label"


def _numbers(values):
    """Return numbers as text: all of them if they are few."""
    texts = [number(value) for value in values]
    if len(texts) > _MANY_NUMBERS:
        texts = [*texts[: _MANY_NUMBERS - 1], _DOTS]
    return ", ".join(texts)


def number(value):
    """Return a number with four digits, or all that are left of the point."""
    if not isinstance(value, Real):
        return short(value)
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def title_line(answer=None, truth=None, separator=", "):
    """Return truth and answer as a line, or None if there is neither.

    Parameters
    ----------
    answer, truth : str or None
        As short as they are drawn.
    separator : str, default=", "
        What stands between them.
    """
    known = None if truth is None else f"True: {truth}"
    if answer is None:
        return known
    said = f"nswer: {answer}"
    return f"A{said}" if known is None else f"{known}{separator}a{said}"


def _tied(labels):
    """Return with what an answer is tied, or nothing."""
    if not len(labels):
        return ""
    first, *others = labels
    if len(others) > 1:
        return f", tied with {first} and {len(others)} others"
    return ", tied with " + " and ".join(labels)


def _probability(p):
    if 0.995 <= p < 1:
        text = "p > 0.99"
    else:
        text = f"p = {p:.2f}" if p >= 0.01 else f"p = {p:.1g}"
    return text.replace(" ", _SPACE)


def room_for(width, font_size):
    """Return how many characters fit into a width in inches."""
    return int(72 * width / (_CHARACTER_WIDTH * font_size))


def wrapped(text, width, font_size):
    """Return text in lines that fit.

    Parameters
    ----------
    text : str
    width : float
        In inches.
    font_size : float
        In points.
    """
    n_characters = max(8, room_for(width, font_size))
    lines = text.split("\n")
    wrap = textwrap.TextWrapper(n_characters, break_long_words=False)
    return "\n".join(wrap.fill(line) for line in lines)
