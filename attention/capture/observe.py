"""One run of a model on one text or several at once, with an observer at the seam of its attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor

from attention.capture.address import Address, Order
from attention.capture.hooks import hooked
from attention.capture.inputs import Inputs, check_inputs, forward, takes_mask
from attention.capture.outputs import Result
from attention.capture.recorded import enter, learned, lengths_of
from attention.capture.residual import Residual
from attention.capture.seam import Observer, OutOfOrderError, Seam, current
from attention.errors import InputError, MemoryFullError, is_out_of_memory

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


def observe(
    model: PreTrainedModel,
    texts: Sequence[Inputs],
    observer: Observer,
    *,
    residual: Residual | None = None,
    differentiable: bool = False,
    positions: Sequence[int] | None = None,
) -> Result:
    """Run the model once on all texts, and give each attention operation to the observer; what the model then puts out.

    Every operation knows its address. Shorter texts are padded behind their end: `Call.lengths` tells where. The result
    has a row a text, its padding included; without edits it is the model's own. residual: watches the residual stream
    of the same run. differentiable: gradients are recorded from the token vectors on, and tensors that the observer
    keeps are part of the graph (on the softmax mode values, weights and outputs; torch's einsum is not followed there).
    positions: those whose logits are wanted; the result has these alone where the model `can_keep_some`, else all.

    Raises TooLongError or InputError for texts that cannot enter, or not together; UnsupportedModelError where the
    model has no attention that can be watched, or ran its operations in another order than before; MemoryFullError.
    """
    for inputs in texts:
        check_inputs(model, inputs)
    _check_names(texts)
    way, order = learned(model, max(texts, key=_tells_most))
    _check_padding(model, texts, order)
    sizes = tuple(inputs.sizes for inputs in texts)
    seam = Seam(observer, len(texts), lengths_of(texts), sizes, order, differentiable)
    try:
        with ExitStack() as around:
            enter(around, model, seam, way)
            if differentiable:
                around.enter_context(_gradients_begin(model, seam))
            if residual is not None:
                around.enter_context(residual.watching(model, seam))
            result = forward(model, *texts, whole=True, differentiable=differentiable, positions=positions)
    except (RuntimeError, MemoryError) as err:
        if is_out_of_memory(err):
            raise MemoryFullError from err
        raise
    if not seam.is_complete:
        raise OutOfOrderError(type(model).__name__)
    return result


def addresses_of(model: PreTrainedModel, inputs: Inputs) -> tuple[Address, ...]:
    """Where the attention operations of a run on this text stand, in their order; run once where it is not known yet.

    Raises what `observe` raises.
    """
    check_inputs(model, inputs)
    return learned(model, inputs)[1].addresses


def _tells_most(inputs: Inputs) -> tuple[bool, int]:
    """Of unequal sides, so that cross-attention shows in the shapes; and long."""
    text, pair = inputs.sizes
    return text != pair, text + pair


def _check_names(texts: Sequence[Inputs]) -> None:
    if not texts:
        raise InputError("There is no text to run.")
    if len({(bool(inputs.pair_ids), frozenset(inputs.extra)) for inputs in texts}) > 1:
        raise InputError("Texts that run together must all have a pair or none, and the same extra inputs.")


def _check_padding(model: PreTrainedModel, texts: Sequence[Inputs], order: Order) -> None:
    """Where tokens look ahead, they must be told what is padding."""
    unequal = len({inputs.sizes for inputs in texts}) > 1
    ahead = any(address.kind != "decoder" for address in order.addresses)
    if unequal and ahead and not takes_mask(model):
        raise InputError(
            f"{type(model).__name__} takes no attention mask, so in a batch of unequal lengths tokens would look at "
            "padding. Run texts of one length together."
        )


@contextmanager
def _gradients_begin(model: PreTrainedModel, seam: Seam) -> Iterator[None]:
    """While inside, the token vectors of this run need gradients, also where no weight does."""

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if current() is not seam or not isinstance(output, Tensor) or output.requires_grad:
            return None
        return output.detach().requires_grad_().clone()  # the model may go on in place, which a leaf does not allow

    with hooked(_tables(model), after=after):
        yield


def _tables(model: PreTrainedModel) -> list[nn.Module]:
    """The modules that make token vectors, of both stacks."""
    found: dict[int, nn.Module] = {}
    for part in (model, model.get_encoder(), model.get_decoder()):
        try:
            table = cast("PreTrainedModel", part).get_input_embeddings()
        except (NotImplementedError, AttributeError):
            continue
        if table is not None:
            found[id(table)] = table
    return list(found.values())
