"""The runs of a comparison: which model each tokenizer gets, and how many steps each budget pays for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compute.encoded import Encoded, encode_passages
from benchmarks.compute.options import CompareOptions
from benchmarks.compute.texts import Texts
from benchmarks.peers.adapters import Peer
from model import ModelConfig, PretrainConfig, preset
from model.defaults import recipe_for
from tokenizer.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One tokenizer with the model that it gets."""

    peer: Peer
    encoded: Encoded
    preset: str
    """Shape of the model without what follows from the tokenizer; its optimizer goes with it."""
    shape: ModelConfig
    windows: int
    """Windows of the context in a step, the same for every arm."""
    rates: tuple[float, ...]
    """Learning rates to try."""

    @property
    def context(self) -> int:
        """Tokens of a window."""
        return self.shape.max_context

    @property
    def flops_per_token(self) -> int:
        """Operations of training on one token, those of the head among them."""
        return self.shape.flops_per_token(self.context)

    def steps(self, budget: float) -> int:
        """Steps that ``budget`` operations pay for, to the nearest. `InputError` where that is none."""
        one = self.flops_per_token * self.context * self.windows
        steps = round(budget / one)
        if not steps:
            raise InputError(
                f"a budget of {budget:.3g} operations is too small for a step with {self.peer.name}, which takes "
                f"{one:.3g}; raise it, or lower batch_bytes"
            )
        return steps

    def config(self, steps: int, rate: float, seed: int, device: str) -> PretrainConfig:
        """The options of a run."""
        batch = self.windows * self.context
        return PretrainConfig(
            preset=self.preset,
            tokens=steps * batch,
            batch_tokens=batch,
            lr=rate,
            seed=seed,
            device=device,
            validate_every=10**9,
            checkpoint_steps=10**9,
            checkpoint_minutes=1.0,
            keep=1,
        )


@dataclass(frozen=True, order=True)
class Job:
    """One run of a comparison; jobs are ordered as they are done."""

    budget: float
    seed: int
    place: int
    """Of the tokenizer, in the order that they were named."""
    rate: float

    def name(self, arm: Arm) -> str:
        """The name of its folder and of its row."""
        return f"{_plain(arm.peer.name)}-{self.budget:.6g}-seed{self.seed}-lr{self.rate:g}"


def make_arms(peers: Sequence[Peer], texts: Texts, options: CompareOptions, out: Path) -> list[Arm]:
    """The arms of a comparison, their passages encoded; `InputError` for tokenizers whose folders would be one."""
    names = [_plain(peer.name) for peer in peers]
    if len(set(names)) < len(names):
        raise InputError(f"tokenizers {', '.join(peer.name for peer in peers)}: two names are too much alike")
    arms = []
    for peer, name in zip(peers, names, strict=True):
        encoded = encode_passages(peer, texts, out / "encoded" / name)
        context = encoded.context(options.context_bytes)
        shape = preset(options.preset, encoded.rows, **{**options.shape, "max_context": context})
        usual = recipe_for(PretrainConfig(preset=options.preset), context).lr
        arms.append(
            Arm(
                peer=peer,
                encoded=encoded,
                preset=options.preset,
                shape=shape,
                windows=max(1, options.batch_bytes // options.context_bytes),
                rates=options.rates or (usual / 2, usual, 2 * usual),
            )
        )
    return arms


def tuning_jobs(place: int, arm: Arm, budgets: Sequence[float]) -> list[Job]:
    """The runs that a learning rate is chosen by: the middle one of the budgets, the first seed, every rate."""
    return [Job(tuning_budget(budgets), 0, place, rate) for rate in arm.rates]


def tuning_budget(budgets: Sequence[float]) -> float:
    """The budget that learning rates are chosen at: the middle one, of two the smaller."""
    return budgets[(len(budgets) - 1) // 2]


def all_jobs(arms: Sequence[Arm], budgets: Sequence[float], seeds: int, chosen: Mapping[str, float]) -> list[Job]:
    """Every tokenizer, budget and seed at the rate that was chosen for the tokenizer, in the order they are done."""
    return sorted(
        Job(budget, seed, place, chosen[arm.peer.name])
        for place, arm in enumerate(arms)
        for budget in budgets
        for seed in range(seeds)
    )


def _plain(name: str) -> str:
    """A name that is one part of a path."""
    return "".join(sign if sign.isalnum() or sign in "._+" else "_" for sign in name)
