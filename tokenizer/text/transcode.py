"""A str to UTF-8 in a kernel, eight characters at a time, without the GIL.

Branch-free: the length of a character is unpredictable, as Korean has a space after every few syllables. All four forms
of each character are computed, the right one is selected, and four bytes are written whatever its length. This takes a
third of the time of ``str.encode``.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tokenizer.native.arrays import Bare, address_of, bare
from tokenizer.native.buffers import ReusedBuffer
from tokenizer.native.compile import native
from tokenizer.native.vectors import BEYOND, LANES, NUMBERS, all_lanes, load_vector, store32, store_vector

_MOST = 4  # bytes per character
_CHUNK = 1 << 14
"""Characters up to which texts are joined; each call of the kernel costs as much as some hundred characters."""


def transcoded(
    texts: Sequence[str], buffer: ReusedBuffer[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], bool]:
    """The UTF-8 of ``texts`` one after another, zeros in the memory behind it; where each ends; and whether all is
    sound, that is free of lone surrogates."""
    ends = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    characters = int(ends.sum())
    data = buffer.of_size(_MOST * characters + BEYOND)
    groups = np.empty(max(_CHUNK, int(ends.max(initial=0))) // LANES + 2, dtype=np.int64)
    room = np.zeros(3 * LANES, dtype=np.uint32)
    size, sound = 0, True
    for first, last in _chunks(ends.tolist()):
        text = texts[first] if last == first + 1 else "".join(texts[first:last])
        size, fine = _transcode(text, ends[first:last], data, size, groups, room)
        sound = sound and fine
    data[size : size + BEYOND] = 0
    return data[:size], ends, sound


def _chunks(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Texts to be taken as one: as CPython holds all of a str in the width of its widest character, one emoji
    should not make megabytes of letters four times as wide."""
    first = held = 0
    for i, size in enumerate(sizes):
        if held and held + size > _CHUNK:
            yield first, i
            first, held = i, 0
        held += size
    if first < len(sizes):
        yield first, len(sizes)


def _units(dtype: types.Type) -> Callable[..., Any]:
    def typed(typing: Any, text: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            string = cgutils.create_struct_proxy(text)(context, builder, arguments[0])
            made = cgutils.create_struct_proxy(Bare(dtype))(context, builder)
            made.data = builder.bitcast(string.data, context.get_value_type(dtype).as_pointer())
            made.size = string.length
            return made._getvalue()

        return Bare(dtype)(text), generate

    return typed


_units8: Any = intrinsic(_units(types.uint8))
_units16: Any = intrinsic(_units(types.uint16))
_units32: Any = intrinsic(_units(types.uint32))
"""The characters of a str as CPython holds them: in one, two or four bytes each (PEP 393)."""


def _forms(builder: Any, code: Any) -> tuple[Any, Any]:
    """The UTF-8 of characters as numbers, the lowest byte first, and how many bytes each has."""
    b = builder

    def byte(place: int, shift: int, mask: int, mark: int) -> Any:
        bits = b.and_(b.lshr(code, all_lanes(shift)), all_lanes(mask))
        return b.shl(b.or_(bits, all_lanes(mark)), all_lanes(8 * place))

    def form(mask: int, mark: int, count: int) -> Any:
        rest = [byte(place, 6 * (count - 1 - place), 0x3F, 0x80) for place in range(1, count)]
        return functools.reduce(b.or_, rest, byte(0, 6 * (count - 1), mask, mark))

    number, size = code, all_lanes(1)
    for first, longer in ((0x80, form(0x1F, 0xC0, 2)), (0x800, form(0x0F, 0xE0, 3)), (0x10000, form(0x07, 0xF0, 4))):
        applies = b.icmp_unsigned(">=", code, all_lanes(first))
        number = b.select(applies, longer, number)
        size = b.add(size, b.zext(applies, NUMBERS))
    return number, size


def _eight(typing: Any, units: Any, at: Any, room: Any) -> Any:
    unit = ir.IntType(units.dtype.bitwidth)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        raw = load_vector(builder, address_of(context, builder, units, *arguments[:2]), ir.VectorType(unit, LANES))
        code = raw if unit.width == 32 else builder.zext(raw, NUMBERS)
        number, size = _forms(builder, code)
        room_at = functools.partial(address_of, context, builder, room, arguments[2])
        store_vector(builder, number, room_at(ir.IntType(64)(0)))
        store_vector(builder, size, room_at(ir.IntType(64)(LANES)))
        lone = builder.icmp_unsigned("==", builder.lshr(code, all_lanes(11)), all_lanes(0xD800 >> 11))
        return builder.icmp_unsigned("==", builder.bitcast(lone, ir.IntType(LANES)), ir.IntType(LANES)(0))

    return types.boolean(units, types.int64, room), generate


_eight_forms: Any = intrinsic(_eight)
"""``_eight_forms(units, i, room)``: of the eight characters at ``i`` the UTF-8 as numbers and behind them the sizes;
whether none is half of a surrogate pair."""


@native
def _transcode(
    text: str,
    ends: NDArray[np.int64],
    data: NDArray[np.uint8],
    at: int,
    groups: NDArray[np.int64],
    room: NDArray[np.uint32],
) -> tuple[int, bool]:
    """Write the UTF-8 of ``text`` to ``data`` from ``at`` on and turn ``ends``, the sizes of its parts in characters,
    into where they end there; where it ends, and whether it is sound."""
    sizes = bare(ends)
    if text._is_ascii:  # type: ignore[attr-defined]
        return _copy(_units8(text), sizes, bare(data), at), True
    kind: int = text._kind  # type: ignore[attr-defined]
    if kind == 1:
        return _transcode_units(_units8(text), sizes, bare(data), at, bare(groups), bare(room))
    if kind == 2:
        return _transcode_units(_units16(text), sizes, bare(data), at, bare(groups), bare(room))
    return _transcode_units(_units32(text), sizes, bare(data), at, bare(groups), bare(room))


@native
def _copy(units: NDArray[Any], sizes: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> int:
    for i in range(units.size):
        data[at + i] = units[i]
    for k in range(sizes.size):
        at += sizes[k]
        sizes[k] = at
    return at


@native
def _transcode_units(
    units: NDArray[Any],
    sizes: NDArray[np.int64],
    data: NDArray[np.uint8],
    at: int,
    groups: NDArray[np.int64],
    room: NDArray[np.uint32],
) -> tuple[int, bool]:
    sound = True
    whole = units.size // LANES
    for group in range(whole):
        groups[group] = at
        sound &= _eight_forms(units, group * LANES, room)
        for lane in range(LANES):
            store32(data, at, room[lane])
            at += room[LANES + lane]
    groups[whole] = at
    for lane in range(units.size - whole * LANES):  # the last few, from where as many may be read
        room[2 * LANES + lane] = units[whole * LANES + lane]
    sound &= _eight_forms(room, 2 * LANES, room)
    for lane in range(units.size - whole * LANES):
        store32(data, at, room[lane])
        at += room[LANES + lane]
    end = np.int64(0)
    for k in range(sizes.size):
        end += sizes[k]
        group = end // LANES
        stop = groups[group]
        for i in range(group * LANES, end):
            stop += 1 + np.int64(units[i] >= 0x80) + np.int64(units[i] >= 0x800) + np.int64(units[i] >= 0x10000)
        sizes[k] = stop
    return at, sound
