"""Work on several threads: with the results in order, or into one state per thread."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")


@cache
def cores() -> int:
    """CPU cores that this process may use: those of its affinity mask and of its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota(Path("/sys/fs/cgroup")))))


def _quota(root: Path) -> float:
    """Cores that the control group (version 2, or 1) allows in all; infinity without a limit."""
    try:
        if (root / "cpu.max").exists():
            quota, period = (root / "cpu.max").read_text().split()
        else:
            quota, period = ((root / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    except (OSError, ValueError):  # no control groups, or "max"
        return math.inf


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``map(work, items)`` on so many ``threads``; at most eight items a thread are held.

    The caller's thread is one of them: it takes the items from their iterator, works itself whenever four wait or
    are worked on for every other thread, and helps with what is left at the end. So no core is asked to run two.
    """
    items = iter(items)
    first = list(islice(items, 2)) if threads > 1 else []
    items = chain(first, items)
    if len(first) < 2:  # a pool takes 0.3 ms to start: none for a single item
        yield from map(work, items)
        return
    others = threads - 1
    pool = ThreadPoolExecutor(others)
    running: deque[_Task[Item, Result]] = deque()
    try:
        for item in items:
            running.append(_Task(pool, work, item))
            if sum(not task.future.done() for task in running) > 4 * others:
                any(task.take_over() for task in running)  # the first that was not begun
            while running and (running[0].future.done() or len(running) > 8 * others):
                yield running.popleft().future.result()
        for task in running:
            task.take_over()
        while running:
            yield running.popleft().future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def per_thread(
    make: Callable[[], State], work: Callable[[State, Item], object], items: Iterable[Item], threads: int
) -> list[State]:
    """Call ``work(state, item)`` for every item on so many ``threads``, each with a state of its own by ``make``; all
    states that were made, at least one. Which items a state has seen depends on timing.
    """
    states = [make()]
    idle = list(states)

    def work_with_own(item: Item) -> None:
        try:
            state = idle.pop()  # atomic, as append is
        except IndexError:
            states.append(state := make())
        work(state, item)
        idle.append(state)

    for _ in in_order(work_with_own, items, threads):
        pass
    return states


class _Task(Generic[Item, Result]):
    """Work that another thread does unless this one takes it over before it is begun."""

    def __init__(self, pool: ThreadPoolExecutor, work: Callable[[Item], Result], item: Item) -> None:
        self._work, self._item = work, item
        self.future = pool.submit(work, item)

    def take_over(self) -> bool:
        """Do it here unless it was begun; what goes wrong is raised in its turn."""
        if not self.future.cancel():
            return False
        self.future = Future()
        try:
            self.future.set_result(self._work(self._item))
        except Exception as error:
            self.future.set_exception(error)
        return True
