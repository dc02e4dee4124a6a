"""A named tuple of arrays as one array, the form in which kernels that are called often take it.

numba unpacks each array of a tuple argument at every call: the sixty of the encode kernel take 40 us, as much as the
encoding of 500 characters. ``pack`` does it once and writes addresses and sizes into memory, from which a kernel reads
the tuple with the function that ``unpacker`` makes for its class.
"""

from typing import Any, get_args, get_type_hints

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tokenizer.native.arrays import Bare, address_of, bare
from tokenizer.native.compile import native


def pack(value: Any) -> NDArray[np.int64]:
    """The packed form of a named tuple of arrays, named tuples, ints and bools. It holds none of them alive: the
    caller must."""
    memory = np.zeros(_numbers(value), dtype=np.int64)
    _write(memory, value)
    return memory


def unpacker(kind: type) -> Any:
    """For kernels: from the packed form of a tuple of the class ``kind`` to the tuple with `bare` arrays."""

    def typed(typing: Any, memory: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load(_pointer(context, builder, memory, arguments[0], signature.return_type))

        return _kind(kind)(memory), generate

    return intrinsic(typed)


def _kind(annotation: Any) -> types.Type:
    """numba's type of a field of a packed tuple."""
    if annotation in (int, bool):
        return types.int64 if annotation is int else types.boolean
    if hasattr(annotation, "_fields"):
        hints = get_type_hints(annotation)
        return types.BaseTuple.from_types([_kind(hints[name]) for name in annotation._fields], annotation)
    return Bare(numba.from_dtype(np.dtype(get_args(get_args(annotation)[1])[0])))


def _numbers(value: Any) -> int:
    """Numbers of 64 bits that hold a value: address and size of an array."""
    return sum(map(_numbers, value)) if isinstance(value, tuple) else 2


def _pointer(context: Any, builder: Any, memory: Any, value: Any, kind: Any) -> Any:
    address = address_of(context, builder, memory, value, ir.IntType(64)(0))
    return builder.bitcast(address, context.get_value_type(kind).as_pointer())


def _store(typing: Any, memory: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], _pointer(context, builder, memory, arguments[0], value))
        return context.get_dummy_value()

    return types.void(memory, value), generate


_store_tuple: Any = intrinsic(_store)


@native
def _write(memory: NDArray[np.int64], value: Any) -> None:
    _store_tuple(memory, bare(value))
