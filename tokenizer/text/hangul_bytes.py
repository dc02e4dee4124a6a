"""Bytes that only Hangul has: how a token shows that a text which holds it holds Hangul."""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import native
from tokenizer.text.unicode import HANGUL_RANGES


@native
def has_only_hangul(data: NDArray[np.uint8], first: int, second: int, sizes: tuple[int, int]) -> bool:
    """Whether every text in UTF-8 that holds two byte strings side by side, those at ``first`` and ``second`` of
    ``data`` with these ``sizes``, has a character of `HANGUL_RANGES`.

    A lead byte of UTF-8 is never a continuation byte, so where it stands in a text a character begins, of which the
    continuation bytes behind it are the next part. True is answered if for one lead byte all characters that begin so
    are Hangul: a whole Hangul character, or a part that only Hangul begins with (``EB``, ``EC``, ``EA B0``, not
    ``EA`` or ``ED``). Continuation bytes at the beginning may be of any character and show nothing.
    """
    size = sizes[0] + sizes[1]
    k = np.int64(0)
    while k < size:
        lead = np.int64(data[first + k] if k < sizes[0] else data[second + k - sizes[0]])
        k += 1
        if lead < 0xC0:
            continue
        missing = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        code = lead & (0x3F >> missing)
        while missing > 0 and k < size:
            following = np.int64(data[first + k] if k < sizes[0] else data[second + k - sizes[0]])
            if following & 0xC0 != 0x80:
                break
            code = code << 6 | following & 0x3F
            missing -= 1
            k += 1
        least, most = code << 6 * missing, ((code + 1) << 6 * missing) - 1
        for begin, end in HANGUL_RANGES:
            if begin <= least and most <= end:
                return True
    return False
