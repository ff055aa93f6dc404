"""Callbacks that record what each hook of a fit was given."""

from helpers import assert_same_state


class Recorder:
    """Keeps what each hook was given; acts at a call of choice.

    Parameters
    ----------
    act_at : tuple (hook, task name, task id), default=None
    action : callable, default=None
        Called there; what it returns is what the hook returns.
    """

    def __init__(self, act_at=None, action=None):
        self.act_at, self.action = act_at, action
        self.calls, self.given, self.paths = [], [], []

    def _record(self, hook, context, **given):
        call = hook, context.task_name, context.task_id
        self.calls.append(call)
        self.given.append(given)
        path, node = [], context
        while node is not None:
            path.insert(0, (node.estimator_name, node.task_name, node.max_subtasks))
            node = node.parent
        self.paths.append(path)
        return self.action() if call == self.act_at else None

    def setup(self, estimator, context):
        """Note the beginning, before any task."""
        return self._record("setup", context)

    def teardown(self, estimator, context):
        """Note the end, after all tasks."""
        return self._record("teardown", context)

    def on_fit_task_begin(
        self, estimator, context, *, X, y, metadata, fitted_estimator
    ):
        """Note that a task begins."""
        return self._record("begin", context, X=X, y=y, metadata=metadata)

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        """Note that a task has ended, and act."""
        return self._record(
            "end", context, X=X, y=y, metadata=metadata, fitted=fitted_estimator
        )

    def of(self, hook, task):
        """Return what the calls of a hook for a task were given."""
        calls = zip(self.calls, self.given, strict=True)
        return [given for call, given in calls if call[:2] == (hook, task)]

    def fitted(self):
        """Return the estimator of each epoch."""
        return [given["fitted"] for given in self.of("end", "epoch")]


class TravellingRecorder(Recorder):
    """One that is set on a meta-estimator and reaches the estimators in it."""

    max_propagation_depth = None


def calls_of_a_fit(n_epochs):
    """Return the calls of hooks in a fit, in their order."""
    return [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        *((hook, "epoch", i) for i in range(n_epochs) for hook in ("begin", "end")),
        ("end", "fit", 0),
        ("teardown", "fit", 0),
    ]


def recorded(model, X, y, **kwargs):
    """Fit; return the Recorder that was there."""
    recorder = Recorder()
    model.set_callbacks(recorder).fit(X, y, **kwargs)
    return recorder


def raise_error():
    """Fail, as an action of a Recorder."""
    raise RuntimeError("of a callback")


def assert_same_but_callbacks(model, before):
    """Check that all attributes but callbacks are as in a deep copy made before."""
    assert_same_state(model, before, but=["_skl_callbacks"])
