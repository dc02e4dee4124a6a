"""The BPE merge loop: repeatedly merge the most frequent adjacent pair (Gage 1994; Sennrich et al. 2016).

Same result as ``BpeTrainer`` of Hugging Face tokenizers from the same counts, in a fraction of its memory:

* All words lie in one int32 array. A token occupies as many cells as it had initial symbols: its first cell
  holds its id, its second and its last hold minus its span, so both neighbours are found without links.
  Words are divided by `WALL`.
* Every pair ever adjacent has one entry (count and positions). The positions of a pair are known once and
  for all when the newer of its two tokens is made, so they are appended in segments and never removed;
  those that a later merge has overtaken are recognised when they are visited.
* A lazy max-heap orders entries by count, then by the smaller left id, then by the smaller right id.
  Counts only fall after they enter the heap, save for pairs of the token just made, which enter it anew.

A merge whose bytes are already a token takes that token's id and adds none (as in BpeTrainer).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native import inlined, native

WALL = np.int32(-(2**31))

_MIX = np.uint64(0x9E3779B97F4A7C15)


class Words(NamedTuple):
    """The training text in its current segmentation."""

    cells: NDArray[np.int32]
    """Ids, spans and walls, see above; starts and ends with a wall."""
    word_of: NDArray[np.int32]
    """The word that each cell belongs to."""
    weights: NDArray[np.int64]
    """How often each word occurs."""
    marks: NDArray[np.int32]
    """For the soft rule, else empty: twice the number of morpheme boundaries before each cell, those inside the
    symbols of earlier cells included, plus 1 where the cell itself starts at one."""
    sections: NDArray[np.int32]
    """For the document-frequency rule, else empty: the section of the corpus that each word stands in."""
    penalty: int
    """What an occurrence that straddles a boundary counts, in percent of one that does not, negated."""


class Pairs(NamedTuple):
    """Every adjacent pair: hash table, counts, positions and heap."""

    slots: NDArray[np.int32]
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    heads: NDArray[np.int32]
    segment_starts: NDArray[np.int64]
    segment_sizes: NDArray[np.int32]
    segment_nexts: NDArray[np.int32]
    positions: NDArray[np.int32]
    heap_counts: NDArray[np.int64]
    heap_entries: NDArray[np.int32]
    used: NDArray[np.int64]
    """How much of the arrays is in use: entries, segments, positions, heap."""


class Tokens(NamedTuple):
    """Token bytes and a hash table to find them again."""

    arena: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    slots: NDArray[np.int32]
    used: NDArray[np.int64]
    """Number of tokens."""


class Scratch(NamedTuple):
    """Room for one merge: per neighbouring token its weight, occurrences and cursor, and the occurrences."""

    lost: NDArray[np.int64]
    gained: NDArray[np.int64]
    sizes: NDArray[np.int64]
    cursors: NDArray[np.int64]
    touched: NDArray[np.int32]
    tokens: NDArray[np.int32]
    places: NDArray[np.int32]


ENTRIES, SEGMENTS, POSITIONS, HEAP = range(4)


@inlined
def _find(pairs: Pairs, key: int, create: bool) -> int:
    """The entry of a pair's key; made when absent if ``create``, else -1."""
    mask = pairs.slots.size - 1
    h = np.uint64(key) * _MIX
    slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(mask))
    while pairs.slots[slot] >= 0:
        entry = pairs.slots[slot]
        if pairs.keys[entry] == key:
            return entry
        slot = (slot + 1) & mask
    if not create:
        return -1
    entry = np.int32(pairs.used[ENTRIES])
    pairs.slots[slot] = entry
    pairs.keys[entry] = key
    pairs.counts[entry] = 0
    pairs.heads[entry] = -1
    pairs.used[ENTRIES] += 1
    return entry


@inlined
def _before(pairs: Pairs, count_a: int, a: int, count_b: int, b: int) -> bool:
    return count_a > count_b or (count_a == count_b and pairs.keys[a] < pairs.keys[b])


@native
def _push(pairs: Pairs, count: int, entry: int) -> None:
    i = pairs.used[HEAP]
    pairs.used[HEAP] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if not _before(pairs, count, entry, pairs.heap_counts[up], pairs.heap_entries[up]):
            break
        pairs.heap_counts[i] = pairs.heap_counts[up]
        pairs.heap_entries[i] = pairs.heap_entries[up]
        i = up
    pairs.heap_counts[i] = count
    pairs.heap_entries[i] = entry


@native
def _drop_top(pairs: Pairs) -> None:
    size = pairs.used[HEAP] - 1
    pairs.used[HEAP] = size
    count, entry = pairs.heap_counts[size], pairs.heap_entries[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        other = child + 1
        if other < size and _before(
            pairs,
            pairs.heap_counts[other],
            pairs.heap_entries[other],
            pairs.heap_counts[child],
            pairs.heap_entries[child],
        ):
            child = other
        if not _before(pairs, pairs.heap_counts[child], pairs.heap_entries[child], count, entry):
            break
        pairs.heap_counts[i] = pairs.heap_counts[child]
        pairs.heap_entries[i] = pairs.heap_entries[child]
        i = child
    pairs.heap_counts[i] = count
    pairs.heap_entries[i] = entry


@inlined
def _span(cells: NDArray[np.int32], p: int) -> int:
    """How many cells the token that starts at ``p`` occupies."""
    v = cells[p + 1]
    return -v if v < 0 and v != WALL else 1


@inlined
def _previous(cells: NDArray[np.int32], p: int) -> int:
    """Where the token before the one at ``p`` starts, or -1 behind a wall."""
    v = cells[p - 1]
    if v == WALL:
        return -1
    return p + v if v < 0 else p - 1


@inlined
def _value(words: Words, start: int, end: int) -> int:
    """What an occurrence of a pair over the cells from ``start`` to ``end`` counts: its word's weight, or by the
    soft rule less than nothing if it straddles morphemes: neither inside one nor a union of whole ones."""
    weight = words.weights[words.word_of[start]]
    if words.marks.size == 0:
        return weight
    inside = (words.marks[end] >> 1) - (words.marks[start] >> 1) - (words.marks[start] & 1)
    if inside == 0 or (words.marks[start] & 1 and words.marks[end] & 1):
        return weight
    return -(weight * words.penalty) // 100


@native
def _index(words: Words, pairs: Pairs, fill: bool) -> None:
    """First pass: count all pairs and their occurrences (in ``segment_sizes``). Second: write positions."""
    cells = words.cells
    p = 1
    while p < cells.size - 1:
        if cells[p] == WALL:
            p += 1
            continue
        q = p + _span(cells, p)
        if cells[q] != WALL:
            entry = _find(pairs, (np.int64(cells[p]) << 32) | np.int64(cells[q]), True)
            if fill:
                pairs.positions[pairs.segment_starts[entry] + pairs.segment_sizes[entry]] = p
            else:
                pairs.counts[entry] += _value(words, p, q + _span(cells, q))
            pairs.segment_sizes[entry] += 1
        p = q


@native
def _count_entries(words: Words, pairs: Pairs, p: int) -> int:
    """Make an entry for each distinct pair from cell ``p`` on, until done or the table wants to grow."""
    cells = words.cells
    while p < cells.size - 1:
        if cells[p] == WALL:
            p += 1
            continue
        if pairs.used[ENTRIES] + 1 >= pairs.keys.size:
            return p
        q = p + _span(cells, p)
        if cells[q] != WALL:
            _find(pairs, (np.int64(cells[p]) << 32) | np.int64(cells[q]), True)
        p = q
    return p


@native
def _place_keys(pairs: Pairs) -> None:
    mask = pairs.slots.size - 1
    for entry in range(pairs.used[ENTRIES]):
        h = np.uint64(pairs.keys[entry]) * _MIX
        slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(mask))
        while pairs.slots[slot] >= 0:
            slot = (slot + 1) & mask
        pairs.slots[slot] = entry


@native
def _fill_heap(pairs: Pairs) -> None:
    for entry in range(pairs.used[ENTRIES]):
        _push(pairs, pairs.counts[entry], entry)


@native
def _token_of(tokens: Tokens, left: int, right: int) -> int:
    """The id of the token with the bytes of ``left`` and ``right`` together; a new one if there is none."""
    used = tokens.used[0]
    base = tokens.offsets[used]
    end = base
    for token in (left, right):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            tokens.arena[end] = tokens.arena[k]
            end += 1
    found = _seek(tokens, base, end)
    if tokens.slots[found] >= 0:
        return tokens.slots[found]
    tokens.slots[found] = used
    tokens.offsets[used + 1] = end
    tokens.used[0] = used + 1
    return used


@native
def _seek(tokens: Tokens, base: int, end: int) -> int:
    """The slot of the token with the bytes ``arena[base:end]``, or the free slot where it belongs."""
    h = np.uint64(14695981039346656037)
    for k in range(base, end):
        h = (h ^ np.uint64(tokens.arena[k])) * _MIX
    mask = tokens.slots.size - 1
    slot = np.int64((h ^ (h >> np.uint64(29))) & np.uint64(mask))
    while tokens.slots[slot] >= 0:
        start = tokens.offsets[tokens.slots[slot]]
        if tokens.offsets[tokens.slots[slot] + 1] - start == end - base:
            same = True
            for k in range(end - base):
                if tokens.arena[start + k] != tokens.arena[base + k]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + 1) & mask
    return slot


@native
def _place_tokens(tokens: Tokens) -> None:
    for token in range(tokens.used[0]):
        tokens.slots[_seek(tokens, tokens.offsets[token], tokens.offsets[token + 1])] = token


@native
def _spread(pairs: Pairs, scratch: Scratch, found: int, kinds: int, old: int, new: int, on_left: bool) -> None:
    """Settle one side of a merge: each neighbour's pair with ``old`` loses what its pair with ``new`` gains."""
    for k in range(kinds):
        x = np.int64(scratch.touched[k])
        # absent when x is the new token itself (a b a b) and the other side has yet to make that pair
        lost = _find(pairs, (x << 32) | old if on_left else (old << 32) | x, True)
        pairs.counts[lost] -= scratch.lost[x]
        if scratch.lost[x] < 0 and pairs.counts[lost] > 0:  # a straddling occurrence went: the pair rises
            _push(pairs, pairs.counts[lost], lost)
        gained = _find(pairs, (x << 32) | new if on_left else (new << 32) | x, True)
        pairs.counts[gained] += scratch.gained[x]
        segment = pairs.used[SEGMENTS]
        pairs.used[SEGMENTS] += 1
        pairs.segment_starts[segment] = pairs.used[POSITIONS]
        pairs.segment_sizes[segment] = scratch.sizes[x]
        pairs.segment_nexts[segment] = pairs.heads[gained]
        pairs.heads[gained] = segment
        scratch.cursors[x] = pairs.used[POSITIONS]
        pairs.used[POSITIONS] += scratch.sizes[x]
    for k in range(found):
        x = scratch.tokens[k]
        pairs.positions[scratch.cursors[x]] = scratch.places[k]
        scratch.cursors[x] += 1


@native
def _enqueue(pairs: Pairs, scratch: Scratch, kinds: int, new: int, on_left: bool) -> None:
    """Put the pairs that gained into the heap, with the counts they have when both sides are settled."""
    for k in range(kinds):
        x = np.int64(scratch.touched[k])
        entry = _find(pairs, (x << 32) | new if on_left else (new << 32) | x, False)
        if pairs.counts[entry] > 0:
            _push(pairs, pairs.counts[entry], entry)
        scratch.lost[x] = 0
        scratch.gained[x] = 0
        scratch.sizes[x] = 0


@inlined
def _note(scratch: Scratch, found: int, kinds: int, x: int, lost: int, gained: int, place: int) -> int:
    """Record that neighbour ``x`` stands beside an occurrence; the number of distinct neighbours."""
    scratch.tokens[found] = x
    scratch.places[found] = place
    if scratch.sizes[x] == 0:
        scratch.touched[kinds] = x
        kinds += 1
    scratch.lost[x] += lost
    scratch.gained[x] += gained
    scratch.sizes[x] += 1
    return kinds


@native
def _merge(words: Words, pairs: Pairs, left: Scratch, right: Scratch, entry: int, new: int) -> None:
    """Replace every occurrence of the pair by ``new`` and settle the counts of its neighbours."""
    cells = words.cells
    a = pairs.keys[entry] >> 32
    b = pairs.keys[entry] & 0x7FFFFFFF
    found_left = found_right = kinds_left = kinds_right = 0
    segment = pairs.heads[entry]
    while segment >= 0:
        start = pairs.segment_starts[segment]
        for at in range(start, start + pairs.segment_sizes[segment]):
            p = np.int64(pairs.positions[at])
            if cells[p] != a:
                continue
            q = p + _span(cells, p)
            if cells[q] != b:
                continue
            end = q + _span(cells, q)
            before = _previous(cells, p)
            if before >= 0:
                lost, gained = _value(words, before, q), _value(words, before, end)
                kinds_left = _note(left, found_left, kinds_left, cells[before], lost, gained, before)
                found_left += 1
            if cells[end] != WALL:
                stop = end + _span(cells, end)
                lost, gained = _value(words, q, stop), _value(words, p, stop)
                kinds_right = _note(right, found_right, kinds_right, cells[end], lost, gained, p)
                found_right += 1
            cells[p] = new
            cells[q] = np.int32(-1)  # no start any more, even where the span is not written
            cells[p + 1] = p - end
            cells[end - 1] = p - end
        segment = pairs.segment_nexts[segment]
    _spread(pairs, left, found_left, kinds_left, a, new, True)
    _spread(pairs, right, found_right, kinds_right, b, new, False)
    pairs.counts[entry] = 0
    _enqueue(pairs, left, kinds_left, new, True)
    _enqueue(pairs, right, kinds_right, new, False)


@native
def _occurrences(pairs: Pairs, entry: int) -> int:
    total = 0
    segment = pairs.heads[entry]
    while segment >= 0:
        total += pairs.segment_sizes[segment]
        segment = pairs.segment_nexts[segment]
    return total


@native
def _clean(tokens: Tokens, a: int, b: int, max_eojeols: int) -> bool:
    """Whether tokens ``a`` and ``b`` may become one: whole characters or a part of a single one, no space at
    the end of a word, at most ``max_eojeols`` words."""
    missing = 0  # continuation bytes that the last character still wants
    characters = 0
    parts = False
    eojeols = 0
    last = np.uint8(0x20)
    size = 0
    for token in (a, b):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            c = tokens.arena[k]
            if c & 0xC0 == 0x80:
                if missing > 0:
                    missing -= 1
                else:
                    parts = True
            else:
                if missing > 0:
                    return False
                characters += 1
                missing = 0 if c < 0x80 else 1 if c < 0xE0 else 2 if c < 0xF0 else 3
            if c != 0x20 and last == 0x20:
                eojeols += 1
            last = c
            size += 1
    if eojeols > max_eojeols or (last == 0x20 and eojeols > 0):
        return False
    return not (parts and characters > 0) and not (missing > 0 and characters > 1)


@native
def _widespread(words: Words, pairs: Pairs, tokens: Tokens, entry: int, least: int) -> bool:
    """Whether a pair that would join words occurs in ``least`` sections of the corpus."""
    a = pairs.keys[entry] >> 32
    b = pairs.keys[entry] & 0x7FFFFFFF
    if not _joins_words(tokens, a, b):
        return True
    seen = np.empty(least, dtype=np.int32)
    count = 0
    segment = pairs.heads[entry]
    while segment >= 0:
        start = pairs.segment_starts[segment]
        for at in range(start, start + pairs.segment_sizes[segment]):
            p = np.int64(pairs.positions[at])
            if words.cells[p] != a or words.cells[p + _span(words.cells, p)] != b:
                continue
            section = words.sections[words.word_of[p]]
            new = True
            for k in range(count):
                if seen[k] == section:
                    new = False
                    break
            if new:
                seen[count] = section
                count += 1
                if count == least:
                    return True
        segment = pairs.segment_nexts[segment]
    return False


@native
def _joins_words(tokens: Tokens, a: int, b: int) -> bool:
    """Whether the bytes of two tokens have a space behind their first byte with a letter before it."""
    last = np.uint8(0x20)
    for token in (a, b):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            c = tokens.arena[k]
            if c == 0x20 and last != 0x20:
                return True
            last = c
    return False


DONE, EXHAUSTED, SHORT = range(3)


@native
def _learn(
    words: Words,
    pairs: Pairs,
    tokens: Tokens,
    left: Scratch,
    right: Scratch,
    merges: NDArray[np.int64],
    made: int,
    wanted: int,
    min_count: int,
    max_eojeols: int,
    min_sections: int,
) -> tuple[int, int]:
    """Merge until there are ``wanted`` tokens, ``merges`` is full, no pair occurs ``min_count`` times, or an
    array is too short for the next merge; the number of merges and why it stopped."""
    while tokens.used[0] < wanted and made < merges.shape[0]:
        if pairs.used[HEAP] == 0:
            return made, EXHAUSTED
        entry = pairs.heap_entries[0]
        count = pairs.heap_counts[0]
        if pairs.counts[entry] != count:
            _drop_top(pairs)
            if pairs.counts[entry] > 0:
                _push(pairs, pairs.counts[entry], entry)
            continue
        if count < min_count:
            return made, EXHAUSTED
        if max_eojeols > 0 and not _clean(tokens, pairs.keys[entry] >> 32, pairs.keys[entry] & 0x7FFFFFFF, max_eojeols):
            _drop_top(pairs)
            continue
        if words.sections.size and not _widespread(words, pairs, tokens, entry, min_sections):
            _drop_top(pairs)
            continue
        occurrences = _occurrences(pairs, entry)
        if not _has_room(pairs, tokens, left, entry, occurrences):
            return made, SHORT
        _drop_top(pairs)
        a = pairs.keys[entry] >> 32
        b = pairs.keys[entry] & 0x7FFFFFFF
        new = _token_of(tokens, a, b)
        _merge(words, pairs, left, right, entry, new)
        merges[made, 0] = a
        merges[made, 1] = b
        merges[made, 2] = new
        merges[made, 3] = count
        made += 1
    return made, DONE


@native
def _has_room(pairs: Pairs, tokens: Tokens, scratch: Scratch, entry: int, occurrences: int) -> bool:
    """Whether the arrays can take the worst case of this merge."""
    kinds = 4 * min(occurrences, tokens.used[0] + 1) + 1
    a = pairs.keys[entry] >> 32
    b = pairs.keys[entry] & 0x7FFFFFFF
    size = tokens.offsets[a + 1] - tokens.offsets[a] + tokens.offsets[b + 1] - tokens.offsets[b]
    return (
        occurrences <= scratch.tokens.size
        and pairs.used[ENTRIES] + kinds < pairs.keys.size
        and pairs.used[SEGMENTS] + kinds < pairs.segment_starts.size
        and pairs.used[POSITIONS] + 2 * occurrences < pairs.positions.size
        and pairs.used[HEAP] + kinds < pairs.heap_counts.size
        and tokens.offsets[tokens.used[0]] + size < tokens.arena.size
    )
