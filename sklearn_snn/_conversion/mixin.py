"""The method by which both estimators are made of a network without spikes."""

from numbers import Real

from sklearn_snn._compat import Interval, StrOptions, validate_parameter_constraints
from sklearn_snn._conversion.mlp import converted
from sklearn_snn._utils.errstate import with_own_errstate

_CONSTRAINTS = {
    "balancing": [StrOptions({"mse", "max"}), Interval(Real, 0, 100, closed="right")],
    "bias_shift": ["boolean"],
}


class ConversionMixin:
    """What makes a fitted estimator of a fitted network of scikit-learn."""

    @classmethod
    @with_own_errstate
    def from_mlp(
        cls, mlp, X, *, n_steps=32, balancing="mse", bias_shift=True, **params
    ):
        """Convert a trained MLP of rectified linear units, without training.

        Each hidden neuron becomes an integrate-and-fire neuron (no leak, reset by
        subtraction), whose firing rate tells its activation in the scale of its layer,
        cut off at 1: after ``n`` spikes, ``n / n_steps`` stands for ``a / scale`` [1]_
        [2]_. An output is the mean current of its neuron over the steps. Of the weights
        and biases of the MLP these become, per layer::

            W = W_mlp * scale_below / scale
            b = b_mlp / scale + 1 / (2 * n_steps)

            u_t = v_{t-1} + x_t @ W + b
            s_t = 1 if u_t > 1 else 0
            v_t = u_t - s_t

        where the scales of the input and of the output are 1, and the bias of the
        output is not shifted. The shift makes a rate the nearest one there is, and not
        the next lower [3]_: at the last step it is worth what a membrane that begins at
        half of the threshold is [4]_. In the first hidden layer the rates of a 2-D `X`
        are wrong by at most ``1 / (2 * n_steps)``, up to the scale; above it they are a
        little worse, as spikes come unevenly.

        In parameters this is ``alpha=1.0``, ``threshold=1.0``, ``reset="subtract"``,
        ``readout="membrane_mean"`` and ``readout_alpha=0.0``. Of two classes each gets
        an output, and the difference of both is the logit of the MLP; numbers are in
        the mean and deviation that the answers of the MLP have on `X`.

        There is no way to NIR for converted hidden layers, as spikes there set
        membranes to a fixed value: for it, train a network by `fit` with
        ``reset="zero"`` from the start, which `to_nir` writes.

        The more steps, the closer are answers to those of the MLP. To see how many it
        takes, convert it for several `n_steps`: `staged_predict` of a single network
        shows less, as its shift is made for the last step.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted, with ``activation="relu"``; a classifier becomes a classifier, and a
            regressor a regressor, of as many outputs.
        X : SpikeTrains or {array-like, sparse matrix} of shape (n_samples, n_features)
            What `mlp` was trained on, or some thousand rows of it: it tells the scales,
            and what later input is compared with. Of a pipeline it is what the steps
            before the `mlp` make of the data. Rows are injected as a constant current;
            `SpikeTrains` stand for their rates, which the `mlp` was trained on then,
            and the network is made for as many steps as they have.
        n_steps : int, default=32
            Number of steps for which a 2-D `X` is injected.
        balancing : {"mse", "max"} or float, default="mse"
            The scale of a layer, by its activations on `X`:

            - "mse": that with which rates have the least squared error in `n_steps`
              [5]_. Fewer steps get smaller scales, and cut more off;
            - "max": the largest of them [1]_;
            - a float: a percentile of those that are positive, in (0, 100], such as
              99.9 [2]_.
        bias_shift : bool, default=True
            Whether biases of hidden layers are raised by ``1 / (2 * n_steps)``.
        **params : dict
            Parameters of the estimator that do not say what the network is: `engine`,
            `random_state`, and those of later training with `partial_fit`.

        Returns
        -------
        model : SpikingClassifier or SpikingRegressor
            Fitted, as if by `fit`. Of no epoch: `n_iter_` is 0, curves are empty, and
            what belongs to a last epoch, such as `loss_`, is there from `partial_fit`
            on.

        Raises
        ------
        TypeError
            If `mlp` is of another kind, or one of `params` says what the network is.
        NotFittedError
            If it is not fitted.
        ValueError
            If its hidden neurons, or outputs, are of another kind; `X` is not what it
            takes, or a parameter not acceptable.

        See Also
        --------
        partial_fit : Trains it further, as spikes are.

        References
        ----------
        .. [1] P. U. Diehl, D. Neil, J. Binas, M. Cook, S.-C. Liu, M. Pfeiffer,
           "Fast-classifying, high-accuracy spiking deep networks through weight and
           threshold balancing", IJCNN 2015.
        .. [2] B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer, S.-C. Liu, "Conversion of
           continuous-valued deep networks to efficient event-driven networks for image
           classification", Frontiers in Neuroscience 11, 2017.
        .. [3] S. Deng, S. Gu, "Optimal conversion of conventional artificial neural
           networks to spiking neural networks", ICLR 2021.
        .. [4] T. Bu, J. Ding, Z. Yu, T. Huang, "Optimized potential initialization for
           low-latency spiking neural networks", AAAI 2022.
        .. [5] Y. Li, S. Deng, X. Dong, R. Gong, S. Gu, "A free lunch from ANN: towards
           efficient, accurate spiking neural networks calibration", ICML 2021.

        Examples
        --------
        Behind a scaler, which the spiking network needs as well:

        >>> from sklearn.datasets import load_digits
        >>> from sklearn.neural_network import MLPClassifier
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> pipeline = make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
        >>> scaler, mlp = pipeline.fit(X, y)
        >>> spiking = SpikingClassifier.from_mlp(mlp, scaler.transform(X), n_steps=16)
        >>> model = make_pipeline(scaler, spiking)
        >>> bool((model.predict(X) == pipeline.predict(X)).mean() > 0.99)
        True
        """
        given = {"balancing": balancing, "bias_shift": bias_shift}
        caller = f"{cls.__name__}.from_mlp"
        validate_parameter_constraints(_CONSTRAINTS, given, caller_name=caller)
        return converted(cls, mlp, X, n_steps, balancing, bias_shift, params)
