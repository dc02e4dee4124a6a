"""Text to ids: the design on one page.

**What must come out.** Byte-pair encoding of each pre-token: of all neighbouring pairs of ids that have a merge, apply
the one learnt first, the leftmost of equals, until none has one (`tokenizer.reference.encode_by_definition`).

**Two steps.** In the grammar ``gyeol`` a pre-token is a sentence or a part of one (``나는 그, 결을 따라``), in
``right3`` all text between two numbers. Nearly none was seen before, while its words were. So encoding goes by words
first (`words`), whose ids come from a cache, and then applies the merges that reach across words to the ids of the
words (`superwords`).

**Why that gives the ids of one step.** Where words end is decided by the two characters there
(`tokenizer.pretokenize.gyeol`), so the bytes of a token say whether it holds parts of two words. Let r be the rank of
the first merge whose token does (`tables.superword_rank`). Merges of ranks below r make tokens that lie inside one
word, so up to r the definition does to each word what it would do to the word alone: step 1, with the limit r. From
there on it goes on with the ids of the whole pre-token, by all merges that are left, low ranks included: step 2. Words
that no superword merge can join need no step 2: `tables.may_join` knows by the last id of one word and the first id of
the next, since what a merge of rank r or above joins at a word boundary can be read off the merges beforehand; only
where a token is made by two different merges, or by one of lower rank than those of its parts, may every pair of words
join.

**Merging.** A word that is a token which its own merges give back is that token (`whole_tokens`). Short sequences are
merged many at a time, as rows of eight vector lanes (`merge_rows`); others by scanning (`merge_one`), beyond 48 ids by
a heap (`merge_long`), so that no input costs more than n log n. In vocabularies where bytes of a character never join
others, merging begins with characters instead of bytes.

**Tables** (`tables`) are perfect hash tables (`tokenizer.native.perfect_hash`): one look-up, one cache miss, no loop to
mispredict. They are built once, shared by all threads, and kept on disk for the next process (`saved_tables`).

**Workspaces** (`workspace`) belong to one thread: a direct-mapped cache of 32,768 words, one cache line each, a block
of 128 words and its rows. `kernel` fills a block, looks all its words up at once, so that one cache miss hides behind
the next, and writes the ids. It holds no Python object and no GIL; `encoder` hands texts to it, over threads.

**What paid** (one core, Korean): perfect hashing 1.6x; arrays without reference counts and bounds checks
(`tokenizer.native.arrays`) 1.5x; blocks of 128 words merged in rows 33 -> 78 MB/s; lists instead of a heap of pairs for
long words 2.7 -> 25.8 MB/s on spaces. **What did not**: caches of 16,384 to 131,072 words (no difference), merging one
short sequence at a time in branch-free loops (reading a row right after writing parts of it stalls), merges compiled
apart from the loop over words (a quarter slower), minimum-token segmentation instead of merges (under 1% fewer tokens).
"""

from tokenizer.encoding.encoder import Encoder, encode_strings, tables_of

__all__ = ["Encoder", "encode_strings", "tables_of"]
