"""Signals that end a run: it stops between two passes and saves a checkpoint first."""

import signal
import threading
from types import FrameType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C; what Slurm, Kubernetes and `docker stop` send; what a closed terminal sends (not on Windows)."""


class Stopped(KeyboardInterrupt):
    """A run that a signal stopped."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number
        """Exit code of a process that the signal ends, as shells have it."""


class DeferredSignals:
    """Notes the first signal, for the run to act on when it can; the second raises at once.

    A context; only the main thread may handle signals, in another one nothing changes. A signal that is ignored, as
    SIGHUP is under ``nohup``, stays so.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        """The signal that was received."""
        self._previous: dict[signal.Signals, Any] = {}

    def check(self) -> None:
        """Raise `Stopped` if a signal was received."""
        if self.number is not None:
            raise Stopped(self.number)

    def __enter__(self) -> "DeferredSignals":
        if threading.current_thread() is threading.main_thread():
            for each in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                if signal.getsignal(each) is not signal.SIG_IGN:
                    self._previous[each] = signal.signal(each, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._previous.items():
            signal.signal(each, handler)
        self._previous.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.check()
        self.number = number
