"""States that a stream goes on from: what the last part of it left."""

from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._model.build import make_network
from sklearn_snn._model.network import resting
from sklearn_snn._training.trainer import check_states


def states_to_go_on_from(estimator, X, network, dtype, is_continued):
    """Return copies of the states that the last call left, or those at rest.

    Raises
    ------
    ValueError
        If the rows cannot be what follows those of the last call, or the neurons are
        others.
    """
    lengths, n_rows = known_lengths(X), X.shape[0]
    if lengths is not None and lengths.min() < lengths.max():
        raise ValueError(
            "With stateful=True all rows of X must have as many steps, as the next "
            f"call goes on from their ends; they have {lengths.min()} to "
            f"{lengths.max()}."
        )
    states = getattr(estimator, "_states_", None) if is_continued else None
    if states is None:
        return [resting(layer, n_rows, dtype) for layer in network.layers]
    if states[0].shape[1] != n_rows:
        raise ValueError(
            f"With stateful=True row i of X goes on from row i of the last call, which "
            f"had {states[0].shape[1]} rows; X has {n_rows}. reset_states() lets the "
            "next call begin at rest."
        )
    n_units = [layer.n_units for layer in network.layers]
    before = make_network(estimator._constants_, n_units)
    if _kinds(before) != _kinds(network):
        raise ValueError(
            "With stateful=True neurons go on from the states that the last call left, "
            "and those are of other neurons. reset_states() lets the next call begin "
            "at rest."
        )
    return [state.astype(dtype) for state in states]


def check_all_learn(rows, n_rows):
    """Raise ValueError if some rows are left out of what is learned from."""
    if rows is not None and len(rows) < n_rows:
        raise ValueError(
            "With stateful=True no weight may be 0: a row that is left out would not "
            "get to where the next call goes on."
        )


def pass_by(estimator, X):
    """Let the states go on over a part of which there is nothing to learn."""
    params = estimator._learned_params()
    engine = estimator._engine(X, has_states=True)
    states = states_to_go_on_from(
        estimator, X, engine.network, params[0]["coef"].dtype, is_continued=True
    )
    engine.go_on(params, X, states)
    check_states(states)
    estimator._states_ = states


def _kinds(network):
    return [type(layer.neuron) for layer in network.layers]
