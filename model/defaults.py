"""Default optimizer, peak learning rate and tokens per step of each preset."""

from typing import NamedTuple

from model.pretrain_config import PretrainConfig


class Recipe(NamedTuple):
    """Defaults for a size of model; Muon's steps have the size of AdamW's, so the rate serves both."""

    optimizer: str
    lr: float
    batch_tokens: int


# nano's was measured (benchmarks/results). The others follow published runs: SmolLM (135M: 3e-3, 1M tokens), GPT-3
# (350M to 1.3B: half a million to a million tokens), SmolLM2 (1.7B: 5e-4), Llama 3 (8B: 3e-4, 4M; 70B: 1.5e-4).
# Muon takes whole matrices, and the three largest are sharded over GPUs.
RECIPES: dict[str, Recipe] = {
    "nano": Recipe("muon", 1e-2, 2048),
    "mini": Recipe("muon", 5e-3, 16_384),
    "small": Recipe("muon", 3e-3, 131_072),
    "base": Recipe("muon", 1e-3, 262_144),
    "large": Recipe("adamw", 6e-4, 524_288),
    "ax-3.1-light": Recipe("adamw", 3e-4, 4_194_304),
    "ax-3.1": Recipe("adamw", 1.5e-4, 4_194_304),
}


def recipe_for(config: PretrainConfig, context: int) -> Recipe:
    """The values of ``config``, or else the preset's; a step is no shorter than one window."""
    usual = RECIPES[config.preset]
    return Recipe(
        config.optimizer or usual.optimizer,
        config.lr or usual.lr,
        config.batch_tokens or max(usual.batch_tokens, context),
    )
