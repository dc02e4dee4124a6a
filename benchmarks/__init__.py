"""Measures of tokenizers: ours beside the published ones, on anyone's text."""
