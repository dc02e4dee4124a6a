"""The BPE merge loop: repeatedly merge the most frequent adjacent pair (Gage 1994; Sennrich et al. 2016).

Same result as ``BpeTrainer`` of Hugging Face tokenizers from the same counts, in a fraction of its memory:

* All words lie in one int32 array. A token occupies as many cells as it had initial symbols: its first cell
  holds its id, its second and its last hold minus its span, so both neighbours are found without links.
  Words are divided by `SEPARATOR`.
* Every pair that was ever adjacent at least `Pairs.least` times has one entry (count and positions). All positions of
  a pair are known when the newer of its two tokens is made, so they are appended in segments and never removed; a
  position that a later merge has changed is recognised by its cells when it is visited.
* Most pairs are too rare to be merged before the vocabulary is full: they have no entry, which would take more memory
  than the text. Their counts are summed by hash, so each is known to be below a sum. When only rarer pairs are left, or
  a sum grows too large, the text is indexed anew (`RARE`). The merges are the same whatever ``least`` is.
* A max-heap with lazy updates orders entries by count, then by the smaller left id, then by the smaller right id.
  Counts only fall after they enter the heap, save for pairs of the token just made, which enter it anew.

A merge whose bytes are already a token takes that token's id and adds none (as in BpeTrainer).

The kernels that Python calls take the arrays as `bare`, which halves the time: reference counts and checks for
negative indices cost as much as the merging.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.arrays import bare
from tokenizer.native.compile import inlined, native
from tokenizer.training.counts import StringTable, add_string
from tokenizer.training.merge_arrays import (
    ENTRIES,
    HEAP,
    POSITIONS,
    SEGMENTS,
    SEPARATOR,
    Pairs,
    Scratch,
    Words,
    drop_top,
    find_pair,
    ids_of,
    pair_key,
    previous,
    push,
    rare_slot,
    span,
)
from tokenizer.training.merge_rules import Rules, allowed

DONE, EXHAUSTED, SHORT, RARE = range(4)
"""Why `learn` returned: enough was merged, no pair counts enough, an array is too short for the next merge, the next
pair may be one without an entry."""


@native
def count_rare(words: Words, pairs: Pairs) -> None:
    """Sum up the occurrences of all pairs in ``rare``, as none has an entry."""
    words, pairs = bare(words), bare(pairs)
    cells = words.cells
    p = np.int64(1)
    while p < cells.size - 1:
        if cells[p] == SEPARATOR:
            p += 1
            continue
        q = p + span(cells, p)
        if cells[q] != SEPARATOR:
            pairs.rare[rare_slot(pairs, pair_key(cells[p], cells[q]))] += words.weights[words.word_of[p]]
        p = q


@native
def index(words: Words, pairs: Pairs, fill: bool) -> None:
    """First pass: count all pairs with an entry and their positions (in ``segment_sizes``), which ``rare`` then lacks.
    Second, with ``fill``: write these."""
    words, pairs = bare(words), bare(pairs)
    cells = words.cells
    p = np.int64(1)
    while p < cells.size - 1:
        if cells[p] == SEPARATOR:
            p += 1
            continue
        q = p + span(cells, p)
        if cells[q] != SEPARATOR:
            key = pair_key(cells[p], cells[q])
            entry = find_pair(pairs, key, False)
            if entry >= 0:
                if fill:
                    pairs.positions[pairs.segment_starts[entry] + pairs.segment_sizes[entry]] = p
                else:
                    weight = words.weights[words.word_of[p]]
                    pairs.counts[entry] += weight
                    pairs.rare[rare_slot(pairs, key)] -= weight
                pairs.segment_sizes[entry] += 1
        p = q


@native
def count_entries(words: Words, pairs: Pairs, p: int) -> int:
    """Make an entry for each distinct pair from cell ``p`` on that may occur ``least`` times, by its sum in ``rare``,
    until all have one or the table is full; the cell reached."""
    words, pairs = bare(words), bare(pairs)
    cells = words.cells
    while p < cells.size - 1:
        if cells[p] == SEPARATOR:
            p += 1
            continue
        if pairs.used[ENTRIES] + 1 >= pairs.keys.size:
            return p
        q = p + span(cells, p)
        if cells[q] != SEPARATOR:
            key = pair_key(cells[p], cells[q])
            if pairs.rare[rare_slot(pairs, key)] >= pairs.least[0]:
                find_pair(pairs, key, True)
        p = q
    return p


@native
def _spread(
    pairs: Pairs, scratch: Scratch, found: int, distinct: int, old: int, new: int, on_left: bool, fresh: bool
) -> bool:
    """Update the pairs on one side of a merge: each neighbour's pair with ``new`` takes its count from that with
    ``old``. Whether a pair without an entry may have become too frequent for that: only where the text held ``new``
    before, that is, where it is not ``fresh``."""
    sound = True
    for k in range(distinct):
        x = np.int64(scratch.neighbours[k])
        count = scratch.counts[x]
        # both sides change the count of a pair with the new token itself (a b a b): it has an entry in any case
        key = pair_key(x, old) if on_left else pair_key(old, x)
        lost = find_pair(pairs, key, x == new)
        if lost >= 0:
            pairs.counts[lost] -= count
        else:
            pairs.rare[rare_slot(pairs, key)] -= count
        key = pair_key(x, new) if on_left else pair_key(new, x)
        gained = find_pair(pairs, key, x == new or (fresh and count >= pairs.least[0]))
        scratch.cursors[x] = pairs.used[POSITIONS] if gained >= 0 else -1
        if gained >= 0:
            pairs.counts[gained] += count
            _append_segment(pairs, gained, scratch.sizes[x])
        else:
            slot = rare_slot(pairs, key)
            pairs.rare[slot] += count
            sound = sound and (fresh or pairs.rare[slot] < pairs.least[0])
    for k in range(found):
        x = scratch.tokens[k]
        if scratch.cursors[x] >= 0:
            pairs.positions[scratch.cursors[x]] = scratch.places[k]
            scratch.cursors[x] += 1
    return sound


@inlined
def _append_segment(pairs: Pairs, entry: int, size: int) -> None:
    """Add a segment of ``size`` positions, to be written, to an entry."""
    segment = pairs.used[SEGMENTS]
    pairs.used[SEGMENTS] += 1
    pairs.segment_starts[segment] = pairs.used[POSITIONS]
    pairs.segment_sizes[segment] = size
    pairs.segment_nexts[segment] = pairs.heads[entry]
    pairs.heads[entry] = segment
    pairs.used[POSITIONS] += size


@native
def _enqueue(pairs: Pairs, scratch: Scratch, distinct: int, new: int, on_left: bool) -> None:
    """Put the new pairs that have an entry into the heap, with their counts after the update of both sides."""
    for k in range(distinct):
        x = np.int64(scratch.neighbours[k])
        entry = find_pair(pairs, pair_key(x, new) if on_left else pair_key(new, x), False)
        if entry >= 0 and pairs.counts[entry] > 0:
            push(pairs, pairs.counts[entry], entry)
        scratch.counts[x] = 0
        scratch.sizes[x] = 0


@inlined
def _note(scratch: Scratch, found: int, distinct: int, x: int, weight: int, place: int) -> int:
    """Note that token ``x`` stands beside an occurrence; the number of distinct neighbours."""
    scratch.tokens[found] = x
    scratch.places[found] = place
    if scratch.sizes[x] == 0:
        scratch.neighbours[distinct] = x
        distinct += 1
    scratch.counts[x] += weight
    scratch.sizes[x] += 1
    return distinct


@native
def _merge(words: Words, pairs: Pairs, left: Scratch, right: Scratch, entry: int, new: int, fresh: bool) -> bool:
    """Replace every occurrence of the pair by ``new`` and update the pairs it had with its neighbours; whether every
    pair still has an entry that must have one."""
    cells = words.cells
    a, b = ids_of(pairs, entry)
    found_left = found_right = distinct_left = distinct_right = np.int64(0)
    segment = pairs.heads[entry]
    while segment >= 0:
        start = pairs.segment_starts[segment]
        for at in range(start, start + pairs.segment_sizes[segment]):
            p = np.int64(pairs.positions[at])
            if cells[p] != a:
                continue
            q = p + span(cells, p)
            if cells[q] != b:
                continue
            end = q + span(cells, q)
            weight = words.weights[words.word_of[p]]
            before = previous(cells, p)
            if before >= 0:
                distinct_left = _note(left, found_left, distinct_left, cells[before], weight, before)
                found_left += 1
            if cells[end] != SEPARATOR:
                distinct_right = _note(right, found_right, distinct_right, cells[end], weight, p)
                found_right += 1
            cells[p] = new
            cells[q] = np.int32(-1)  # no start any more, even where the span is not written
            cells[p + 1] = p - end
            cells[end - 1] = p - end
        segment = pairs.segment_nexts[segment]
    sound_left = _spread(pairs, left, found_left, distinct_left, a, new, True, fresh)
    sound_right = _spread(pairs, right, found_right, distinct_right, b, new, False, fresh)
    pairs.counts[entry] = 0
    _enqueue(pairs, left, distinct_left, new, True)
    _enqueue(pairs, right, distinct_right, new, False)
    return sound_left and sound_right


@native
def occurrences_of(pairs: Pairs, entry: int) -> int:
    """Number of positions at which a pair was ever found."""
    total = 0
    segment = pairs.heads[entry]
    while segment >= 0:
        total += pairs.segment_sizes[segment]
        segment = pairs.segment_nexts[segment]
    return total


@native
def learn(
    words: Words,
    pairs: Pairs,
    tokens: StringTable,
    left: Scratch,
    right: Scratch,
    merges: NDArray[np.int64],
    made: int,
    wanted: int,
    rules: Rules,
) -> tuple[int, int]:
    """Merge until there are ``wanted`` tokens, ``merges`` (left, right, count) is full, no pair counts enough, an array
    is too short for the next merge, or a pair needs an entry; the number of merges and why it stopped."""
    words, pairs, tokens, left, right = bare(words), bare(pairs), bare(tokens), bare(left), bare(right)
    ended = RARE if pairs.least[0] > rules.min_count else EXHAUSTED
    while tokens.used[0] < wanted and made < merges.shape[0]:
        if pairs.used[HEAP] == 0:
            return made, ended
        entry = pairs.heap_entries[0]
        count = pairs.heap_counts[0]
        if pairs.counts[entry] != count:
            drop_top(pairs)
            if pairs.counts[entry] > 0:
                push(pairs, pairs.counts[entry], entry)
            continue
        if count < pairs.least[0]:
            return made, ended
        if not allowed(words, pairs, tokens, entry, rules):
            drop_top(pairs)
            continue
        occurrences = occurrences_of(pairs, entry)
        if not _has_room(pairs, tokens, left, entry, occurrences):
            return made, SHORT
        drop_top(pairs)
        a, b = ids_of(pairs, entry)
        before = tokens.used[0]
        new = _token_of(tokens, a, b)
        sound = _merge(words, pairs, left, right, entry, new, tokens.used[0] > before)
        merges[made, 0] = a
        merges[made, 1] = b
        merges[made, 2] = count
        made += 1
        if not sound:
            return made, RARE
    return made, DONE


@native
def _token_of(tokens: StringTable, left: int, right: int) -> int:
    """The id of the token with the bytes of ``left`` and ``right`` together; a new one if there is none."""
    start = tokens.offsets[tokens.used[0]]
    end = start
    for token in (left, right):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            tokens.arena[end] = tokens.arena[k]
            end += 1
    return add_string(tokens, tokens.arena, start, end, np.int64(0))


@native
def _has_room(pairs: Pairs, tokens: StringTable, scratch: Scratch, entry: int, occurrences: int) -> bool:
    """Whether the arrays can take the worst case of this merge."""
    distinct = 4 * min(occurrences, tokens.used[0] + 1) + 1
    a, b = ids_of(pairs, entry)
    size = tokens.offsets[a + 1] - tokens.offsets[a] + tokens.offsets[b + 1] - tokens.offsets[b]
    return (
        occurrences <= scratch.tokens.size
        and pairs.used[ENTRIES] + distinct < pairs.keys.size
        and pairs.used[SEGMENTS] + distinct < pairs.segment_starts.size
        and pairs.used[POSITIONS] + 2 * occurrences < pairs.positions.size
        and pairs.used[HEAP] + distinct < pairs.heap_counts.size
        and tokens.offsets[tokens.used[0]] + size < tokens.arena.size
    )
