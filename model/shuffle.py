"""A shuffled order of n things that takes no memory: position in, index out.

A Feistel network permutes the numbers below a power of four; one that lands at n or above goes through again
until it is below n (cycle walking; Black and Rogaway, 2002). So the order of a trillion windows
needs no list, and a run resumes at any position at once.
"""

ROUNDS = 6
WORD = (1 << 64) - 1


class Permutation:
    """A pseudo-random permutation of range(size), fixed by ``key``.

    >>> sorted(Permutation(5, key=1)[i] for i in range(5))
    [0, 1, 2, 3, 4]
    """

    def __init__(self, size: int, key: int) -> None:
        self.size = size
        self._half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half_bits) - 1
        self._keys = [_mix(key * ROUNDS + number) for number in range(ROUNDS)]

    def __getitem__(self, position: int) -> int:
        if not 0 <= position < self.size:
            raise IndexError(position)
        index = self._encipher(position)
        while index >= self.size:
            index = self._encipher(index)
        return index

    def _encipher(self, value: int) -> int:
        left, right = value >> self._half_bits, value & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right ^ key) & self._mask)
        return left << self._half_bits | right


def _mix(value: int) -> int:
    """SplitMix64's output function (Steele et al., 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & WORD
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & WORD
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & WORD
    return value ^ value >> 31
