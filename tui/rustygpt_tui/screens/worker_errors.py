"""Work that failed in a way nobody foresaw is said to the person, and ends nothing else."""

from textual.dom import DOMNode
from textual.worker import Worker, WorkerState

from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line


class WorkerErrorMixin(DOMNode):
    """For screens and containers whose workers are started with `exit_on_error=False`.

    It stands after the widget class: styles are inherited along the first base.
    """

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell what a worker died of."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.report(event.worker.error)

    def report(self, error: BaseException) -> None:
        """Tell a person what went wrong, in one sentence."""
        if isinstance(error, ClientError):
            words = error.sentence
        else:
            words = f"Something went wrong in the terminal ({type(error).__name__}: {error})."
        self.app.notify(one_line(words), severity="error", markup=False)
