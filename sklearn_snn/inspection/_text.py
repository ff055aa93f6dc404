"""What the displays say: truth, answer and probability, and labels that fit."""

import textwrap
from collections import Counter
from itertools import takewhile
from numbers import Real

import numpy as np

from sklearn_snn._compat import num_samples

_DOTS = "\N{HORIZONTAL ELLIPSIS}"
# Longest label, in characters.
_LONGEST = 20
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


def true_label(y, n_samples, sample):
    """Return the true label of a sample, or None if nobody gave it.

    Parameters
    ----------
    y : array-like of shape (n_samples,), label or None
    n_samples : int
    sample : int

    Raises
    ------
    ValueError
        If y has another number of labels.
    """
    if y is None or isinstance(y, (str, bytes)) or np.ndim(y) == 0:
        return y
    if num_samples(y) != n_samples or np.size(y) != n_samples:
        raise ValueError(
            f"y must be a label, or one for each of the {n_samples} samples of X, got "
            f"an array of shape {np.shape(y)}."
        )
    return np.ravel(y)[sample]


def answer_title(record, sample, truth=None):
    """Return a line on what the network answers to a sample, and how sure it is.

    Parameters
    ----------
    record : SimulationRecord
    sample : int
    truth : label or None
    """
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
    return title_line(
        labels[winner], record.probabilities[sample, -1, winner], truth, tied
    )


def title_line(answer=None, probability=None, truth=None, tied=()):
    """Return truth, answer and probability as a line, or None if there is neither.

    Parameters
    ----------
    answer : str or None
    probability : float or None
    truth : str or None
        It and the others are as short as they are drawn.
    tied : sequence of str, default=()
        The other classes that are as probable.
    """
    known = None if truth is None else f"True: {truth}"
    if answer is None:
        return known
    said = f"nswer: {answer} ({_probability(probability)}{_tied(tied)})"
    return f"A{said}" if known is None else f"{known}, a{said}"


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
    return text.replace(" ", "\N{NO-BREAK SPACE}")


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
