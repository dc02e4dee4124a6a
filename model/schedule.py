"""Learning rate as a function of progress, from 0 at the start of a run to 1 at its end.

Progress is counted in tokens (or time), so a schedule does not change with the batch size.
"""

import math

DECAY_SHARE = 0.2
"""Share of a WSD run in which the rate falls to zero."""


def learning_rate(schedule: str, peak: float, warmup: float, progress: float) -> float:
    """Return the learning rate at ``progress``; ``warmup`` is the share of the run that rises linearly to ``peak``.

    "cosine" falls along half a cosine to zero (Loshchilov and Hutter, 2017); "wsd" stays at ``peak`` and falls
    linearly to zero over the last fifth (warmup-stable-decay: Hu et al., 2024).
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < warmup:
        return peak * progress / warmup
    if schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
    return peak * min(1.0, (1 - progress) / min(DECAY_SHARE, 1 - warmup))
