"""States that a stream goes on from: what the last part of it left."""

from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._model.network import resting


def go_on_from_states(estimator, trainer, is_continued):
    """Let a trainer go on from the states of the last call, or from rest.

    Raises
    ------
    ValueError
        If the rows cannot be what follows those of the last call.
    """
    samples, network = trainer.samples, trainer.engine.network
    lengths, n_rows = known_lengths(samples.X), samples.X.shape[0]
    if lengths is not None and lengths.min() < lengths.max():
        raise ValueError(
            "With stateful=True all rows of X must have as many steps, as the next "
            f"call goes on from their ends; they have {lengths.min()} to "
            f"{lengths.max()}."
        )
    if samples.rows is not None:
        raise ValueError(
            "With stateful=True no weight may be 0: a row that is left out would not "
            "get to where the next call goes on."
        )
    states = getattr(estimator, "_states_", None) if is_continued else None
    if states is None:
        dtype = trainer.params[0]["coef"].dtype
        states = [resting(layer, n_rows, dtype) for layer in network.layers]
    elif states[0].shape[1] != n_rows:
        raise ValueError(
            f"With stateful=True row i of X goes on from row i of the last call, which "
            f"had {states[0].shape[1]} rows; X has {n_rows}. reset_states() lets the "
            "next call begin at rest."
        )
    trainer.states = [state.copy() for state in states]
