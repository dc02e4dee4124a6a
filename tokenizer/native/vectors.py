"""Vector (SIMD) steps on eight numbers or 32 bytes at once, without branches to mispredict.

Each is one or two dozen instructions where vector registers have 256 bits, and correct, if slower, elsewhere: they are
written in LLVM's vector types, which numba compiles for the machine it runs on.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from tokenizer.native.arrays import address_of

LANES = 8
"""Ids (32 bits) per vector."""
LANE_BITS = 3
AT_ONCE = 32
"""Bytes that `plain_letters` looks at."""
BEYOND = 2 * AT_ONCE
"""Bytes behind a text that kernels may read."""

_I1, _I8, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))
_BYTES = ir.VectorType(_I8, AT_ONCE)
NUMBERS = ir.VectorType(_I32, LANES)
"""Eight numbers of 32 bits, LLVM's type."""


def load_vector(builder: Any, address: Any, vector: Any) -> Any:
    """Read a vector at any address."""
    return builder.load(builder.bitcast(address, vector.as_pointer()), align=1)


def store_vector(builder: Any, vector: Any, address: Any) -> None:
    """Write a vector at any address."""
    builder.store(vector, builder.bitcast(address, vector.type.as_pointer()), align=1)


def _all(vector: Any, number: int) -> Any:
    """The vector of equal numbers."""
    return ir.Constant(vector, [number] * vector.count)


def all_lanes(number: int) -> Any:
    """The vector of eight equal numbers."""
    return _all(NUMBERS, number)


def _spread(builder: Any, number: Any) -> Any:
    """The vector of ids that are all ``number``."""
    first = builder.insert_element(ir.Constant(NUMBERS, ir.Undefined), number, _I32(0))
    return builder.shuffle_vector(first, first, all_lanes(0))


_NUMBERED = ir.Constant(NUMBERS, list(range(LANES)))


def _letters(fold: int) -> Callable[..., Any]:
    def typed(typing: Any, data: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            b = builder
            address = address_of(context, b, data, *arguments)
            here, behind = load_vector(b, address, _BYTES), load_vector(b, b.gep(address, [_I64(1)]), _BYTES)
            folded = b.sub(b.or_(here, _all(_BYTES, fold)), _all(_BYTES, ord("a")))
            latin = b.icmp_unsigned("<", folded, _all(_BYTES, 26))
            middle = b.icmp_unsigned("<", b.sub(here, _all(_BYTES, 0xEB)), _all(_BYTES, 2))
            lowest = b.icmp_unsigned("==", here, _all(_BYTES, 0xEA))
            lowest = b.and_(lowest, b.icmp_unsigned(">=", behind, _all(_BYTES, 0xB0)))
            highest = b.icmp_unsigned("==", here, _all(_BYTES, 0xED))
            highest = b.and_(highest, b.icmp_unsigned("<", behind, _all(_BYTES, 0x9E)))
            first = b.bitcast(b.or_(middle, b.or_(lowest, highest)), _I32)  # a bit for each byte
            rest = b.or_(b.shl(first, _I32(1)), b.shl(first, _I32(2)))
            others = b.not_(b.or_(b.bitcast(latin, _I32), b.or_(first, rest)))
            return b.cttz(b.or_(b.zext(others, _I64), _I64(1 << AT_ONCE)), _I1(0))

        return types.int64(data, types.int64), generate

    return typed


plain_letters: Any = intrinsic(_letters(0x20))
"""``plain_letters(data, i)``: how many bytes of Latin letters and of Hangul syllables (U+AC00 to U+D77F) stand at byte
``i``; `AT_ONCE` if there may be more."""
plain_lowercase: Any = intrinsic(_letters(0))
"""As `plain_letters`, without capitals."""


def _store32(typing: Any, data: Any, at: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = address_of(context, builder, data, *arguments[:2])
        builder.store(arguments[2], builder.bitcast(address, _I32.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint32), generate


store32: Any = intrinsic(_store32)
"""``store32(data, at, number)``: four bytes at any address, the lowest first."""


def _prefetch(typing: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.bitcast(address_of(context, builder, array, *arguments), _I8.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_I8.as_pointer(), _I32, _I32, _I32])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [_I8.as_pointer()], kind)
        to_read, stay, data = _I32(0), _I32(3), _I32(1)
        builder.call(fetch, [address, to_read, stay, data])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


prefetch: Any = intrinsic(_prefetch)
"""``prefetch(array, i)``: load the cache line of an item that is read some hundred instructions later."""


def _copy(typing: Any, target: Any, at: Any, source: Any, start: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ids = load_vector(builder, address_of(context, builder, source, *arguments[2:]), NUMBERS)
        store_vector(builder, ids, address_of(context, builder, target, *arguments[:2]))
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64), generate


copy_lanes: Any = intrinsic(_copy)
"""``copy_lanes(target, at, source, start)``: eight numbers of 32 bits."""


def _pad(typing: Any, ids: Any, at: Any, count: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = address_of(context, builder, ids, *arguments[:2])
        count = _spread(builder, builder.trunc(arguments[2], _I32))
        number = _spread(builder, builder.trunc(arguments[3], _I32))
        kept = builder.icmp_signed("<", _NUMBERED, count)
        store_vector(builder, builder.select(kept, load_vector(builder, address, NUMBERS), number), address)
        return context.get_dummy_value()

    return types.void(ids, types.int64, types.int64, types.int64), generate


pad_lanes: Any = intrinsic(_pad)
"""``pad_lanes(ids, at, count, number)``: of eight numbers all behind the first ``count`` become ``number``."""


def _close(typing: Any, ids: Any, at: Any, lane: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = address_of(context, builder, ids, *arguments[:2])
        kept = builder.icmp_signed("<", _NUMBERED, _spread(builder, builder.trunc(arguments[2], _I32)))
        here, behind = (
            load_vector(builder, address, NUMBERS),
            load_vector(builder, builder.gep(address, [_I64(1)]), NUMBERS),
        )
        store_vector(builder, builder.select(kept, here, behind), address)
        return context.get_dummy_value()

    return types.void(ids, types.int64, types.int64), generate


close_lane: Any = intrinsic(_close)
"""``close_lane(ids, at, lane)``: take one of eight numbers out; those behind it, and a ninth, move up."""


def _least(typing: Any, ids: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        numbers = load_vector(builder, address_of(context, builder, ids, *arguments), NUMBERS)
        packed = builder.or_(builder.shl(numbers, all_lanes(LANE_BITS)), _NUMBERED)
        kind = ir.FunctionType(_I32, [NUMBERS])
        least = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.umin.v{LANES}i32")
        return builder.zext(builder.call(least, [packed]), _I64)

    return types.int64(ids, types.int64), generate


least_lane: Any = intrinsic(_least)
"""``least_lane(ids, at)``: the least of eight numbers below 2 ** 29, the first of equals: number << 3 | its lane."""
