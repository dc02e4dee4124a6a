"""Attention that stays inside a document, though a training window holds several. No dense mask is made.

On a CPU each document is a call of the causal kernel of its own, which also saves the work between documents; on a GPU
FlexAttention (Dong et al., 2024) skips the blocks that lie between documents, in one compiled kernel.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


class DocumentMask:
    """Positions of the documents in ``ids`` (batch, time): each ends with the token ``end_of_text``."""

    def __init__(self, ids: Tensor, end_of_text: int) -> None:
        ends = ids == end_of_text
        self.numbers = ends.cumsum(dim=1) - ends.long()
        """Document of each position within its row, (batch, time)."""
        self._blocks = _block_mask(self.numbers) if ids.is_cuda else None
        rows = () if ids.is_cuda else self.numbers.unbind()
        self._lengths: list[list[int]] = [row.unique_consecutive(return_counts=True)[1].tolist() for row in rows]
        """Lengths of the documents of each row, on a CPU."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Causal attention within documents; all are (batch, head, time, head_dim), keys may have fewer heads."""
        grouped = queries.shape[1] != keys.shape[1]
        if self._blocks is not None:
            return _flex_attention()(queries, keys, values, block_mask=self._blocks, enable_gqa=grouped)
        rows = []
        for row, lengths in enumerate(self._lengths):
            parts = (part[row : row + 1].split(lengths, dim=2) for part in (queries, keys, values))
            pieces = [
                F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1, enable_gqa=grouped)
                for q, k, v in zip(*parts, strict=True)
            ]
            rows.append(torch.cat(pieces, dim=2))
        return torch.cat(rows)


def _block_mask(numbers: Tensor) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    def visible(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (numbers[batch, query] == numbers[batch, key]) & (query >= key)

    batch, time = numbers.shape
    return create_block_mask(visible, batch, None, time, time, device=numbers.device, _compile=True)


@cache
def _flex_attention() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention)
