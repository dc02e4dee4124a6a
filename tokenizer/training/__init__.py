"""From a corpus to a vocabulary: counting, curriculum, merge loop."""

from tokenizer.training.curriculum import CurriculumOptions, Stage
from tokenizer.training.recipes import RECIPES, train

__all__ = ["RECIPES", "CurriculumOptions", "Stage", "train"]
