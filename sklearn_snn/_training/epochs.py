"""How training goes on epoch by epoch, to one of its ends; what is best is kept.

After each epoch, all that the estimator would know if the fit had ended there is put
together as one dict of attributes, so that there is always a last complete epoch to
fall back to.
"""

import math

from sklearn.exceptions import ConvergenceWarning

from sklearn_snn._training.control import Callbacks, Stall, report
from sklearn_snn._training.diagnosis import (
    dead_neurons,
    fallen_back,
    hardly_learned,
    has_fallen_back,
    short_memory,
)
from sklearn_snn._training.results import PARAMETERS, results
from sklearn_snn._training.trainer import DivergedError
from sklearn_snn.exceptions import DeadNeuronWarning

# An adaptive learning rate is divided by this where training stalls, down to a floor.
_REDUCTION, _LOWEST_RATE = 5, 1e-6


class Epochs:
    """The epochs of a call of `fit`.

    Parameters
    ----------
    estimator : SpikingClassifier
        Its parameters say when to end. Its attributes are changed at the end only.
    trainer : Trainer
    validation : Samples or None
        What early stopping watches.
    fixed : dict
        Attributes that each epoch leaves alike.
    is_continued : bool
        Whether the weights of the estimator are those of a fit, which are to be
        surpassed on the samples set aside.
    """

    def __init__(self, estimator, trainer, validation, fixed, is_continued):
        self._estimator, self._trainer = estimator, trainer
        self._validation, self._fixed = validation, fixed
        self._max_iter = trainer.plan.max_iter
        self._stall = Stall(float(estimator.tol), trainer.plan.n_iter_no_change)
        self._last, self._last_epoch = None, None
        self._problems = []
        # The best epoch and its parameters, if it need not be the last.
        self._best, self._best_epoch, self._is_surpassed = {}, None, True
        self._scores = []
        if is_continued and validation is not None:
            self._stall.best = self._validation_score()
            self._best = {k: vars(estimator)[k] for k in PARAMETERS}
            self._is_surpassed = False

    def run(self, user_data):
        """Train, and let the estimator be what came of it.

        Parameters
        ----------
        user_data : tuple
            X, y and sample_weight as the user gave them, for callbacks.

        Returns
        -------
        problems : list of Warning and DivergedError
            In the order in which they should be told.
        """
        callbacks = Callbacks(self._estimator, user_data, self._max_iter)
        try:
            self._run(callbacks)
        except KeyboardInterrupt:
            if self._last is None:
                raise
            self._problems.append(self._interruption())
        except DivergedError as error:
            if self._last is None:
                raise
            self._problems.append(error)
        vars(self._estimator).update(self._last | {"_optimizer_state_": None})
        try:
            callbacks.end()
        except KeyboardInterrupt:
            self._problems.append(self._interruption())
        trainer = self._trainer
        network, target = trainer.engine.network, trainer.target
        X = trainer.samples.X
        findings = dead_neurons(self._last_epoch, network, target, X)
        return [
            *map(DeadNeuronWarning, findings),
            *self._old_weights_kept(),
            *self._problems,
        ]

    def _run(self, callbacks):
        """Go through the epochs until patience, `max_iter` or a callback ends them."""
        for n_iter in range(1, self._max_iter + 1):
            callbacks.begin_epoch()
            score = self._epoch(n_iter)
            is_stalled = self._stall.is_over(score) and not self._reduce_rate()
            # A rate that is still high may throw a network about, up to the last epoch.
            is_stalled = is_stalled and not self._has_fallen_back()
            if is_stalled:
                evidence = self._evidence()
                self._warn(hardly_learned(*evidence) or short_memory(*evidence))
            if callbacks.end_epoch(self._last) or is_stalled:
                break
        else:
            self._warn_of_end()

    def _warn_of_end(self):
        """Warn of what `max_iter` ended, unless all went to a plan, and well."""
        lost = []
        if self._has_fallen_back():
            lost = fallen_back(self._scores, self._trainer)
        if math.isinf(self._stall.patience):
            findings = hardly_learned(*self._evidence(), is_stalled=False)
            self._warn(findings or lost)
            return
        self._warn(
            [
                f"Maximum number of epochs (max_iter={self._max_iter}) reached "
                "and the optimization hasn't converged yet."
            ]
        )
        self._warn(short_memory(*self._evidence()) or lost)

    def _epoch(self, n_iter):
        """Train an epoch and keep what came of it; return the score that is watched."""
        epoch = self._trainer.epoch(n_iter - 1, self._max_iter)
        self._trainer.check_parameters()
        last = vars(self._estimator) if self._last is None else self._last
        fitted = self._fixed | results(self._trainer, epoch, n_iter, last)
        self._scores.append(epoch.score)
        score = -epoch.loss
        if self._validation is not None:
            score = self._validation_score()
            if self._is_best(score, epoch):
                self._best = {k: fitted[k] for k in PARAMETERS}
                self._best_epoch, self._is_surpassed = epoch, True
            fitted |= {
                "best_loss_": None,
                "validation_scores_": [*(last["validation_scores_"] or []), score],
                "best_validation_score_": max(self._stall.best, score),
            }
        self._last, self._last_epoch = fitted | self._best, epoch
        if self._estimator.verbose:
            report(fitted, epoch, f"Epoch {n_iter}/{self._max_iter}")
        return score

    def _is_best(self, score, epoch):
        """Tell whether an epoch is better than all before it.

        A few samples have few scores, of which many epochs have the same: of these the
        one with the smallest loss is the best. Old weights, whose loss is not known,
        have to be surpassed.
        """
        is_tie = self._best_epoch is not None and score == self._stall.best
        return score > self._stall.best or (
            is_tie and epoch.loss < self._best_epoch.loss
        )

    def _validation_score(self):
        """Return the score on the samples set aside."""
        return self._trainer.score(self._validation)

    def _old_weights_kept(self):
        """Return a warning if training led to nothing better than there was."""
        if self._is_surpassed:
            return []
        text = (
            f"None of the {self._last['n_iter_']} epochs has a validation score above "
            f"{self._stall.best:.4f}, that of the weights that there were before: "
            "these are kept."
        )
        return [ConvergenceWarning(text)]

    def _reduce_rate(self):
        """Reduce an adaptive learning rate; tell whether training goes on with it."""
        estimator, trainer = self._estimator, self._trainer
        rate = trainer.plan.learning_rate_init * trainer.reduction
        if estimator.learning_rate != "adaptive" or rate <= _LOWEST_RATE:
            return False
        trainer.reduction /= _REDUCTION
        self._stall.count = 0
        return True

    def _evidence(self):
        """Return what tells how much was learned, an epoch and the trainer.

        The epoch that is kept may be an early one, and the last one may have got worse.
        """
        epochs = filter(None, (self._best_epoch, self._last_epoch))
        return min(epochs, key=lambda epoch: epoch.loss), self._trainer

    def _has_fallen_back(self):
        """Tell whether the last epochs, of which one is kept, lost what was learned."""
        is_last_kept = self._validation is None
        return is_last_kept and has_fallen_back(self._scores, self._trainer)

    def _warn(self, findings):
        self._problems += map(ConvergenceWarning, findings)

    def _interruption(self):
        return UserWarning(
            f"Training interrupted by user after {self._last['n_iter_']} epochs."
        )
