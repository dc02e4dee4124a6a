"""Learning merges from counted words: calls the kernel in `tokenizer.training.merge_kernel` and grows its arrays.

>>> from tokenizer.vocabulary.byte_level import byte_alphabet
>>> learned = learn_merges(Counts.of([(b"aab", 3), (b"ab", 2)]), byte_alphabet(), 258)
>>> [(left, right) for left, right in learned.merges]   # a+b occurs 5 times, then a+ab 3 times
[(64, 65), (64, 256)]
>>> learned.tokens[256:], learned.counts
([b'ab', b'aab'], [5, 3])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.compile import native
from tokenizer.progress import progress_bar
from tokenizer.text.utf8 import joined
from tokenizer.training import merge_arrays as arrays
from tokenizer.training import merge_kernel as kernel
from tokenizer.training.counts import Counts, CountTable, grown
from tokenizer.training.merge_arrays import SEPARATOR
from tokenizer.training.merge_rules import PLAIN_RULES, Rules
from tokenizer.training.pruning import Damping, damped_uses, least_used
from tokenizer.training.spool import Spool
from tokenizer.vocabulary.byte_level import byte_order

CHUNK = 1024
"""Merges between two returns to Python, for progress and Ctrl-C."""

INDEXED, LEAST_INDEXED = 8, 1 << 16
"""Pairs that are indexed at first, about: so many for each token wanted, since rules refuse some, and so many more."""
BUCKETS = 1 << 12, 1 << 23
"""Sums that the rare pairs share, at least and at most: one for eight cells of text, eight bytes each."""


@dataclass(frozen=True)
class Learned:
    """Tokens and merges learnt so far."""

    tokens: list[bytes]
    """Every token by id, those it started from included."""
    merges: list[tuple[int, int]]
    """The merges in order, as ids of the left and the right token."""
    counts: list[int]
    """Occurrences (weighted) of the pair of each merge of the last run, when it was made."""
    exhausted: bool
    """Whether the last run stopped because no pair occurred often enough."""
    uses: NDArray[np.float64] | None = None
    """How often each token is used in the text, see `tokenizer.training.pruning.damped_uses`; only where asked for."""

    def behind(self, merges: Sequence[tuple[int, int]]) -> Learned:
        """The same with its merges behind those of an earlier run. A pair that was merged before keeps its place alone:
        engines differ on which of two counts. (Superwords are learnt anew where words are given apart.)"""
        known = set(merges)
        return replace(self, merges=[*merges, *(pair for pair in self.merges if pair not in known)])

    def pruned(self, first: int, wanted: int) -> Learned:
        """The same with ``wanted`` tokens: of those from number ``first`` on, the least used are left out, or the last
        where uses are not known, and the others move up. Fewer tokens than wanted stay as they are."""
        if len(self.tokens) <= wanted:
            return self
        ids = {token: i for i, token in enumerate(self.tokens)}
        made = [ids[self.tokens[a] + self.tokens[b]] for a, b in self.merges]
        if self.uses is None:
            gone = set(range(wanted, len(self.tokens)))
        else:
            gone = least_used(self.uses, self.merges, made, first, len(self.tokens) - wanted)
        kept = [i for i in range(len(self.tokens)) if i not in gone]
        new = dict(zip(kept, range(len(kept)), strict=True))
        merges = [(new[a], new[b]) for (a, b), token in zip(self.merges, made, strict=True) if token not in gone]
        uses = None if self.uses is None else self.uses[kept]
        return replace(self, tokens=[self.tokens[i] for i in kept], merges=merges, uses=uses)


@dataclass(frozen=True)
class Sequences:
    """Words as sequences of token ids, with their counts."""

    ids: NDArray[np.int32]
    """The words one after another."""
    offsets: NDArray[np.int64]
    """Item of ``ids`` at which each word starts, and behind the last one its end."""
    weights: NDArray[np.int64]
    """Occurrences (weighted) of each word."""
    occurrences: NDArray[np.int64] | None = None
    """Occurrences of each word where weights are something else."""
    sections: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """The one section of the corpus that each word stands in, of the first words."""
    rows: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """Sections of the words behind those, a row for each (`tokenizer.training.sections`)."""
    source_ends: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Word behind the last run of each source, and behind those, of each source, the last word by itself; size 0 where
    sources are not kept apart."""

    @classmethod
    def of_bytes(cls, counts: Counts) -> Sequences:
        """Each string as its bytes' ids."""
        ids = np.empty(256, dtype=np.int32)
        ids[list(byte_order())] = np.arange(256)
        return cls(ids[counts.data], counts.offsets, counts.counts)


def learn_merges(
    words: Counts | Sequences,
    tokens: Sequence[bytes],
    wanted: int,
    *,
    rules: Rules = PLAIN_RULES,
    damping: Damping | None = None,
    title: str = "Learning merges",
    spool: Spool | None = None,
) -> Learned:
    """Merge the most frequent pair of ``words`` until there are ``wanted`` tokens; only new merges are returned.

    Ties go to the pair with the smaller left id, then the smaller right id. With ``damping`` the tokens' uses by source
    are counted at the end. ``title`` names the bar that shows the
    progress, ``spool`` makes the arrays that grow with the text. `InputError` when the words have 2**31 symbols or more
    in all, and when training takes more memory than the spool allows.
    """
    sequences = words if isinstance(words, Sequences) else Sequences.of_bytes(words)
    size = sequences.ids.size + sequences.weights.size + 2
    if size >= 2**31:
        raise InputError(f"the distinct pre-tokens hold {size:,} symbols; at most 2,147,483,647: train on less text")
    done: list[NDArray[np.int64]] = []
    reason = kernel.DONE
    spool = spool or Spool()
    laid_out = _laid_out(sequences, spool)
    ends = sequences.offsets[sequences.source_ends] + sequences.source_ends
    del words, sequences  # as large as what is laid out
    with progress_bar(title, total=wanted - len(tokens)) as progress:
        state = _State(laid_out, list(tokens), max(wanted, len(tokens)), rules, spool)
        while not done or (reason == kernel.DONE and len(state.tokens) < wanted):
            before = len(state.tokens)
            merges, reason = state.run(wanted)
            spool.check()
            done.append(merges)
            progress.advance(len(state.tokens) - before)
    made = np.concatenate(done)
    return Learned(
        tokens=[token for token, _ in state.tokens.result().items()],
        merges=[(a, b) for a, b in made[:, :2].tolist()],
        counts=made[:, 2].tolist(),
        exhausted=len(state.tokens) < wanted,
        uses=None if damping is None else damped_uses(state.words, ends, len(state.tokens), damping),
    )


class _State:
    """The kernel's arrays, and their growth."""

    def __init__(self, words: arrays.Words, tokens: list[bytes], capacity: int, rules: Rules, spool: Spool) -> None:
        self.words, self.rules, self.spool = words, rules, spool
        self.tokens = _token_table(tokens, capacity)
        self._indexed = INDEXED * (capacity - len(tokens)) + LEAST_INDEXED
        self.pairs = self._index()
        largest = int(self.pairs.segment_sizes.max(initial=1))
        self.left, self.right = _scratch(capacity, largest), _scratch(capacity, largest)

    def run(self, wanted: int) -> tuple[NDArray[np.int64], int]:
        """Up to `CHUNK` merges; they and why it stopped."""
        merges = np.empty((CHUNK, 3), dtype=np.int64)
        made = 0
        while True:
            made, reason = kernel.learn(
                self.words, self.pairs, self.tokens.table, self.left, self.right, merges, made, wanted, self.rules
            )
            if reason == kernel.SHORT:
                self._make_room()
            elif reason == kernel.RARE:
                self._indexed *= 4
                del self.pairs  # before there are others
                self.pairs = self._index()
            else:
                return merges[:made], reason

    def _index(self) -> arrays.Pairs:
        """The most frequent pairs of the words, about ``_indexed`` of them; the positions of each are one segment."""
        buckets = min(max(1 << (self.words.cells.size // 8).bit_length(), BUCKETS[0]), BUCKETS[1])
        pairs = _with_room(_empty_pairs(buckets), np.array([1 << 16, 0, 0, 0]))
        kernel.count_rare(self.words, pairs)
        if self._indexed < buckets:
            pairs.least[0] = np.partition(pairs.rare, buckets - self._indexed)[buckets - self._indexed]
        pairs.least[0] = max(pairs.least[0], self.rules.min_count)
        position = 1
        while (position := kernel.count_entries(self.words, pairs, position)) < self.words.cells.size - 1:
            pairs = _with_room(pairs, np.array([pairs.keys.size, 0, 0, 0]))
        entries = int(pairs.used[arrays.ENTRIES])
        sizes = np.zeros(entries, dtype=np.int32)
        pairs = pairs._replace(segment_sizes=sizes)
        kernel.index(self.words, pairs, False)
        starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        pairs = pairs._replace(
            segment_starts=starts[:-1].copy(),
            segment_sizes=np.zeros_like(sizes),
            segment_nexts=np.full(entries, -1, dtype=np.int32),
            positions=self.spool.empty(int(starts[-1]), np.int32),
            heap_counts=np.empty(entries, dtype=np.int64),
            heap_entries=np.empty(entries, dtype=np.int32),
        )
        pairs.heads[:entries] = np.arange(entries)
        self.spool.check()
        kernel.index(self.words, pairs, True)
        pairs.used[:] = entries, entries, starts[-1], 0
        arrays.fill_heap(pairs)
        return pairs

    def _make_room(self) -> None:
        """Make room for the next merge in the worst case; an array that grows grows by a quarter at least."""
        occurrences = int(kernel.occurrences_of(self.pairs, self.pairs.heap_entries[0]))
        distinct = 4 * min(occurrences, len(self.tokens) + 1)
        self.pairs = _with_room(self.pairs, np.array([distinct, distinct, 0, distinct]) + 1)
        size, needed = self.pairs.positions.size, int(self.pairs.used[arrays.POSITIONS]) + 2 * occurrences + 1
        if needed >= size:
            positions = self.spool.grown(self.pairs.positions, max(needed + 1, size + size // 4))
            self.pairs = self.pairs._replace(positions=positions)
        if occurrences > self.left.tokens.size:
            capacity = self.left.counts.size
            self.left, self.right = _scratch(capacity, occurrences), _scratch(capacity, occurrences)
        self.tokens.reserve(0, 4 * int(self.tokens.table.offsets[len(self.tokens)]))


def _laid_out(words: Sequences, spool: Spool) -> arrays.Words:
    """The words as the kernel has them."""
    cells, word_of = (spool.empty(words.ids.size + words.weights.size + 2, np.int32) for _ in range(2))
    _lay_out(words.ids, words.offsets, cells, word_of)
    occurrences = words.weights if words.occurrences is None else words.occurrences
    return arrays.Words(cells, word_of, words.weights, occurrences, words.sections, words.rows)


@native
def _lay_out(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], cells: NDArray[np.int32], word_of: NDArray[np.int32]
) -> None:
    """Write the words into ``cells``, a separator before each and two behind the last, and to each cell its word."""
    at = 0
    for word in range(offsets.size - 1):
        cells[at] = SEPARATOR
        at += 1
        for k in range(offsets[word], offsets[word + 1]):
            cells[at] = ids[k]
            word_of[at] = word
            at += 1
    cells[at:] = SEPARATOR


def _token_table(tokens: Sequence[bytes], capacity: int) -> CountTable:
    """The tokens so far, with room for ``capacity`` of them."""
    ends = np.cumsum([len(token) for token in tokens])
    table = CountTable()
    table.reserve(capacity + 1, 8 * int(ends[-1]))
    table.add(joined(tokens), ends - [len(token) for token in tokens], ends)
    return table


def _scratch(tokens: int, occurrences: int) -> arrays.Scratch:
    return arrays.Scratch(
        counts=np.zeros(tokens + 1, dtype=np.int64),
        sizes=np.zeros(tokens + 1, dtype=np.int64),
        cursors=np.zeros(tokens + 1, dtype=np.int64),
        neighbours=np.empty(tokens + 1, dtype=np.int32),
        tokens=np.empty(occurrences, dtype=np.int32),
        places=np.empty(occurrences, dtype=np.int32),
    )


_ARRAYS = (
    ("keys", "counts", "heads"),
    ("segment_starts", "segment_sizes", "segment_nexts"),
    (),
    ("heap_counts", "heap_entries"),
)
"""Arrays of `Pairs` that are in use as far as each item of `Pairs.used` says, but for the positions."""


def _empty_pairs(buckets: int) -> arrays.Pairs:
    ints, longs = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
    return arrays.Pairs(
        slots=ints,
        keys=longs,
        counts=longs,
        heads=ints,
        segment_starts=longs,
        segment_sizes=ints,
        segment_nexts=ints,
        positions=ints,
        heap_counts=longs,
        heap_entries=ints,
        rare=np.zeros(buckets, dtype=np.int64),
        least=np.zeros(1, dtype=np.int64),
        used=np.zeros(4, dtype=np.int64),
    )


def _with_room(pairs: arrays.Pairs, added: NDArray[np.int64]) -> arrays.Pairs:
    """Make room for so many more entries, segments and items of the heap."""
    for names, needed in zip(_ARRAYS, (pairs.used + added).tolist(), strict=True):
        present = getattr(pairs, names[0]).size if names else needed + 1
        if needed >= present:
            size = max(needed + 1, present + present // 2)
            pairs = pairs._replace(**{name: grown(getattr(pairs, name), size) for name in names})
    if pairs.slots.size < 2 * pairs.keys.size:
        capacity = 1 << (2 * pairs.keys.size).bit_length()
        pairs = pairs._replace(slots=np.full(capacity, -1, dtype=np.int32))
        arrays.place_keys(pairs)
    return pairs
