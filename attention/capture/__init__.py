"""Any Hugging Face model → Trace, by watching its own run.

`trace_model` puts the model on a recording attention function for one forward pass, and keeps q, k, v and the model's
own output by reference. There is no code for any particular model here.
"""

from transformers import PreTrainedModel

from attention.capture.inputs import Inputs
from attention.capture.run import trace_model

__all__ = ["Inputs", "PreTrainedModel", "trace_model"]
