"""From a corpus to a vocabulary: counting, curriculum, merge loop."""
