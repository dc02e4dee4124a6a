"""What a comparison will do and how long it will take, before it starts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compute.arms import Arm, Job, tuning_budget, tuning_jobs
from benchmarks.compute.runs import best_rate, done_row
from benchmarks.compute.texts import Texts
from model.device import resolve_device, resolve_precision
from model.measure import tokens_per_second

FORWARD = 3
"""A forward pass alone has a third of the operations of training."""


@dataclass(frozen=True)
class ArmPlan:
    """One tokenizer's part."""

    name: str
    vocab_size: int
    bytes_per_token: float
    context: int
    flops_per_token: int
    steps: list[int]
    """For each budget."""
    epochs: float
    """Of the sample, at the largest budget."""
    tokens_per_second: float
    """Measured for two seconds."""
    seconds: float
    """For all its runs that are not finished."""


@dataclass(frozen=True)
class ComparePlan:
    """The runs of a comparison."""

    budgets: list[float]
    seeds: int
    runs: int
    """In all, those that the learning rates are chosen by among them."""
    finished: int
    """Of which are done."""
    flops: float
    """Of all runs."""
    seconds: float
    """For those that are not finished, with the scoring of their models."""
    training_bytes: int
    held_out_bytes: int
    arms: list[ArmPlan]

    @property
    def in_words(self) -> str:
        """A line for people."""
        left = self.runs - self.finished
        time = f"{self.seconds / 3600:.1f} hours" if self.seconds > 5400 else f"{self.seconds / 60:.0f} minutes"
        return f"{self.runs} runs, {left} of them still to do: about {time}"


def plan_comparison(
    arms: Sequence[Arm], budgets: Sequence[float], seeds: int, texts: Texts, out: Path, device: str = "auto"
) -> ComparePlan:
    """The plan; `InputError` for a budget that pays for too few steps with one of the tokenizers."""
    for arm in arms:
        arm.steps(budgets[0])
    found: list[ArmPlan] = []
    runs = finished = 0
    held_out = sum(document.bytes for document in texts.held_out)
    for place, arm in enumerate(arms):
        jobs = _jobs(place, arm, budgets, seeds, out)
        open_ = [job for job in jobs if done_row(job, arm, out) is None]
        runs, finished = runs + len(jobs), finished + len(jobs) - len(open_)
        tokens = [arm.steps(job.budget) * arm.windows * arm.context for job in open_]
        scored = 2 * held_out / arm.encoded.bytes_per_token / FORWARD  # windows overlap by half
        speed = _speed(arm, device) if open_ else 0.0
        seconds = (sum(tokens) + scored * len(open_)) / speed if open_ else 0.0
        largest = arm.steps(budgets[-1]) * arm.windows * arm.context
        epochs = largest / float((arm.encoded.lengths + 1).sum())
        steps = [arm.steps(budget) for budget in budgets]
        found.append(
            ArmPlan(
                arm.peer.name,
                arm.peer.vocab_size,
                arm.encoded.bytes_per_token,
                arm.context,
                arm.flops_per_token,
                steps,
                epochs,
                speed,
                seconds,
            )
        )
    flops = len(arms) * (sum(budgets) * seeds + tuning_budget(budgets) * len(arms[0].rates))
    total = sum(each.seconds for each in found)
    return ComparePlan(list(budgets), seeds, runs, finished, flops, total, texts.training_bytes, held_out, found)


def _jobs(place: int, arm: Arm, budgets: Sequence[float], seeds: int, out: Path) -> list[Job]:
    """The runs of one tokenizer; before it is tuned the middle one of its rates stands for the one that goes on."""
    tuning = tuning_jobs(place, arm, budgets)
    tuned = [row for job in tuning if (row := done_row(job, arm, out)) is not None]
    rate = best_rate(tuned) if len(tuned) == len(tuning) else arm.rates[len(arm.rates) // 2]
    return list(
        dict.fromkeys([*tuning, *(Job(budget, seed, place, rate) for budget in budgets for seed in range(seeds))])
    )


def _speed(arm: Arm, device_name: str) -> float:
    config = arm.config(1, arm.rates[0], 0, device_name)
    device = resolve_device(device_name)
    return tokens_per_second(arm.shape, config, device, resolve_precision("auto", device))


def describe_compare_plan(plan: ComparePlan) -> Iterator[str]:
    """The plan in lines for people."""
    yield plan.in_words
    yield f"{plan.training_bytes:,} bytes to train on, {plan.held_out_bytes:,} held out; for each tokenizer"
    for arm in plan.arms:
        steps = ", ".join(f"{steps:,}" for steps in arm.steps)
        yield (
            f"  {arm.name}: {arm.vocab_size:,} ids, {arm.bytes_per_token:.2f} bytes a token, context {arm.context} "
            f"tokens, {arm.flops_per_token / 1e6:,.1f} MFLOP a token; steps {steps}; {arm.epochs:.2f} epochs at most; "
            f"{arm.tokens_per_second:,.0f} tokens a second, {arm.seconds / 60:.1f} minutes"
        )
