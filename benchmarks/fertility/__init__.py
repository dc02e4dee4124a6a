"""Fertility: tokens that each tokenizer spends on a text, with intervals and morpheme alignment."""

from benchmarks.fertility.measuring import measure, measure_loaded

__all__ = ["measure", "measure_loaded"]
