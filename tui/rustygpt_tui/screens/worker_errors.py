"""Shows errors of workers to the user; the app and its other workers go on."""

from textual.dom import DOMNode
from textual.worker import Worker, WorkerState

from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line


class WorkerErrorMixin(DOMNode):
    """For screens and containers whose workers are started with `exit_on_error=False`.

    List it after the widget class: Textual inherits styles along the first base.
    """

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report the error of a worker that failed."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.report(event.worker.error)

    def report(self, error: BaseException) -> None:
        """Show an error in one sentence."""
        if isinstance(error, ClientError):
            text = error.sentence
        else:
            text = f"Something went wrong in the terminal ({type(error).__name__}: {error})."
        self.app.notify(one_line(text), severity="error", markup=False)
