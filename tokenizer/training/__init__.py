"""From a corpus to a vocabulary. Encoding needs nothing of this room.

    documents --collect--> words, runs --stages--> sequences of ids --merges--> tokens and merges, stage by stage

``recipes``         `train`: reads the corpus, learns by a recipe, builds tokenizers; start here
``collect``         one pass over the corpus, on threads: distinct words with counts, and the runs that they form
``runs``            the runs that are kept, a sample of them where there are too many
``spool``           arrays that grow with the text, in memory or in files
``counts``          `CountTable`, the hash table of byte strings in which everything is counted
``curriculum``      options, weights of sources, and the loop over the stages
``stages``          the training text of each stage, as ids by the merges so far
``word_parts``      the parts of words that Kiwi is asked about, and their counts damped by source
``morpheme_cuts``   words cut at the morphemes that Kiwi finds
``merges``          `learn_merges`: sets up the arrays of the merge loop and grows them
``merge_kernel``    the merge loop: the most frequent pair, merged again and again; its docstring has the design
``merge_arrays``    its arrays, field by field: text, pairs, heap
``merge_rules``     which pairs may become a token
``pruning``         the tokens used least, which are left out at the end
``extension``       Korean tokens behind those of a tokenizer that exists
``folder``          training into a folder, with options as a command line has them
``sections``        where in the corpus a string stands, for the rule of documents
``records``         what is recorded of a training in gyeol.json
"""

from tokenizer.training.curriculum import CurriculumOptions, Stage
from tokenizer.training.extension import extend, extend_folder
from tokenizer.training.folder import options_from_text, train_folder
from tokenizer.training.recipes import RECIPES, train, train_from_iterator, train_sizes

__all__ = [
    "RECIPES",
    "CurriculumOptions",
    "Stage",
    "extend",
    "extend_folder",
    "options_from_text",
    "train",
    "train_folder",
    "train_from_iterator",
    "train_sizes",
]
