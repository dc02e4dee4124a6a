"""Bare arrays for the inside of kernels: an address and a size, without reference counts and negative indices.

numba changes a reference count, atomically, at every access of an array inside a tuple, and checks for a negative index
at every access of any array. In a loop of few instructions either costs more than the work: encoding is 1.5 times as
fast without. ``bare(array)`` is the same memory without both, ``bare(tuple)`` a named tuple of bare arrays. A bare
array must not outlive the array, which the caller of the kernel holds.
"""

import operator
from typing import Any

from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, make_attribute_wrapper, models, register_model
from numba.np import arrayobj


class Bare(types.Type):
    """numba's type of ``bare(array)``; items are read and written by index, and ``size`` is how many there are."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Bare({dtype})")


@register_model(Bare)
class _Model(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), ("size", types.intp)])


make_attribute_wrapper(Bare, "size", "size")


def address_of(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """The address of an item of a bare or any other contiguous array, for intrinsics."""
    proxy = cgutils.create_struct_proxy(kind) if isinstance(kind, Bare) else arrayobj.make_array(kind)
    return builder.gep(proxy(context, builder, array).data, [index])


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, types.BaseNamedTuple)


def _bare_kind(kind: Any) -> Any:
    if isinstance(kind, types.Array):
        return Bare(kind.dtype)
    if _is_named_tuple(kind):
        return types.BaseTuple.from_types([_bare_kind(part) for part in kind.types], kind.instance_class)
    return kind


def _bare_value(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = arrayobj.make_array(kind)(context, builder, value)
        made = cgutils.create_struct_proxy(_bare_kind(kind))(context, builder)
        made.data, made.size = array.data, array.nitems
        return made._getvalue()
    if _is_named_tuple(kind):
        parts = cgutils.unpack_tuple(builder, value, kind.count)
        parts = [_bare_value(context, builder, part, item) for part, item in zip(kind.types, parts, strict=True)]
        return context.make_tuple(builder, _bare_kind(kind), parts)
    return value


def _bare(typing: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _bare_value(context, builder, array, arguments[0])

    return _bare_kind(array)(array), generate


bare: Any = intrinsic(_bare)


def _part(typing: Any, array: Any, start: Any, size: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        made.data, made.size = address_of(context, builder, array, *arguments[:2]), arguments[2]
        return made._getvalue()

    return Bare(array.dtype)(array, types.intp, types.intp), generate


bare_part: Any = intrinsic(_part)
"""``bare_part(array, start, size)``: so many items from ``start`` on, of a bare or any other contiguous array."""


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        array, index = args
        if isinstance(array, Bare) and isinstance(index, types.Integer):
            return signature(array.dtype, array, types.intp)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        array, index, _ = args
        if isinstance(array, Bare) and isinstance(index, types.Integer):
            return signature(types.none, array, types.intp, array.dtype)
        return None


@lower_builtin(operator.getitem, Bare, types.intp)
def _get(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    array = sig.args[0]
    return context.unpack_value(builder, array.dtype, address_of(context, builder, array, *arguments))


@lower_builtin(operator.setitem, Bare, types.intp, types.Any)
def _set(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    array = sig.args[0]
    address = address_of(context, builder, array, *arguments[:2])
    context.pack_value(builder, array.dtype, arguments[2], address)
    return context.get_dummy_value()
