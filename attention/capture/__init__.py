"""Any Hugging Face model at its attention's seam, by watching its own run.

`trace_model` runs one text and keeps q, k, v and the model's own output by reference, as a Trace. `observe` runs one
text or several at once and gives each operation to an `Observer`, which may keep, reduce or edit it. There is no code
for any particular model here.
"""

from transformers import PreTrainedModel

from attention.capture.address import Address
from attention.capture.inputs import Inputs
from attention.capture.observe import observe
from attention.capture.residual import NoStream, Residual, Stream
from attention.capture.run import trace_model
from attention.capture.seam import Call, Observer, Product

__all__ = [
    "Address", "Call", "Inputs", "NoStream", "Observer", "PreTrainedModel", "Product", "Residual", "Stream", "observe",
    "trace_model",
]  # fmt: skip
