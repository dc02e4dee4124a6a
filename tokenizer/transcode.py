"""A str to UTF-8 in a kernel, eight characters at a time.

Which of the four forms a character has is nothing to bet on: Korean has a space after every few syllables. So all are
made, the right one is taken, and four bytes are written whatever the size.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tokenizer.bare_arrays import Bare, address_of, bare
from tokenizer.native import native
from tokenizer.vectors import BEYOND, LANES, NUMBERS, all_lanes, load_vector, store32, store_vector

_MOST = 4  # bytes a character


def transcoded(text: str, ends: NDArray[np.int64]) -> tuple[NDArray[np.uint8], bool]:
    """The UTF-8 of ``text``, zeros in the memory behind it, and whether it is sound: free of lone surrogates. ``ends``
    are turned from characters to bytes."""
    groups = np.empty(len(text) // LANES + 1, dtype=np.int64)
    room = np.zeros(3 * LANES, dtype=np.uint32)
    data = np.empty(_MOST * len(text) + BEYOND, dtype=np.uint8)
    size, sound = _transcode(text, ends, data, groups, room)
    data[size : size + BEYOND] = 0
    return data[:size], sound


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
    text: str, ends: NDArray[np.int64], data: NDArray[np.uint8], groups: NDArray[np.int64], room: NDArray[np.uint32]
) -> tuple[int, bool]:
    """The size of the UTF-8 and whether it is sound."""
    kind: int = text._kind  # type: ignore[attr-defined]
    if kind == 1:
        return _transcode_units(_units8(text), bare(ends), bare(data), bare(groups), bare(room))
    if kind == 2:
        return _transcode_units(_units16(text), bare(ends), bare(data), bare(groups), bare(room))
    return _transcode_units(_units32(text), bare(ends), bare(data), bare(groups), bare(room))


@native
def _transcode_units(
    units: NDArray[Any],
    ends: NDArray[np.int64],
    data: NDArray[np.uint8],
    groups: NDArray[np.int64],
    room: NDArray[np.uint32],
) -> tuple[int, bool]:
    at = np.int64(0)
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
    for k in range(ends.size):
        group = ends[k] // LANES
        stop = groups[group]
        for i in range(group * LANES, ends[k]):
            stop += 1 + np.int64(units[i] >= 0x80) + np.int64(units[i] >= 0x800) + np.int64(units[i] >= 0x10000)
        ends[k] = stop
    return at, sound
