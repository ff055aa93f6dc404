"""NamedTuples that compiled code passes on by reference, in one word.

numba passes a NamedTuple by value, each array in it as seven words or more, which every
function that is told of it, or passes it on, puts together and takes apart again. Those
of the weights of a network and of the memory of a sample are some 400 words.
"""

from hashlib import blake2b

from numba import types
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
)

from sklearn_snn._compat import numba_attributes, numba_cgutils


class Reference(types.Type):
    """The type of a reference to a NamedTuple of type `of`; it has its attributes.

    Its name, by which numba tells types apart, and which it writes wherever it speaks
    of one, is short: that of a NamedTuple has the types of all of its fields.
    """

    def __init__(self, of):
        self.of = of
        digest = blake2b(str(of).encode(), digest_size=8).hexdigest()
        super().__init__(name=f"Reference({of.instance_class.__name__}, {digest})")


@register_model(Reference)
class _Pointer(models.PrimitiveModel):
    def __init__(self, manager, type_):
        pointer = manager.lookup(type_.of).get_value_type().as_pointer()
        super().__init__(manager, type_, pointer)


@infer_getattr
class _Attributes(numba_attributes()):
    key = Reference

    def generic_resolve(self, type_, name):
        """Return the type of a field, or None if there is none of this name.

        Of a field that is a NamedTuple, it is that of a reference.
        """
        type_ = dict(zip(type_.of.fields, type_.of.types, strict=True)).get(name)
        return Reference(type_) if _is_named_tuple(type_) else type_


def _is_named_tuple(type_):
    return isinstance(type_, types.BaseNamedTuple)


@lower_getattr_generic(Reference)
def _load(context, builder, type_, pointer, name):
    index = type_.of.fields.index(name)
    place = numba_cgutils().gep_inbounds(builder, pointer, 0, index)
    if _is_named_tuple(type_.of.types[index]):
        return place
    value = builder.load(place)
    if context.enable_nrt:  # else nobody counts
        context.nrt.incref(builder, type_.of.types[index], value)
    return value


@intrinsic
def reference(typingctx, values):
    """Return a reference to a NamedTuple, whose fields cannot be set.

    It lasts until the function returns that has it made, and counts as none to the
    arrays: who keeps these has to be a caller of that function. So it is made in
    `options.compiled` and not in what makes arrays.
    """
    result = Reference(values)

    def codegen(context, builder, signature, args):
        return numba_cgutils().alloca_once_value(builder, args[0])

    return result(values), codegen
