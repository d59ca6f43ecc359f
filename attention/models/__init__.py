"""An id or a folder → a model and its tokenizer, safely: parse, inspect before any weight is read, download, keep."""

from attention.models.build import LoadedModel
from attention.models.card import ModelCard
from attention.models.inspect import inspect
from attention.models.pool import ModelPool, Wait, shared_pool
from attention.models.reference import ModelRef, parse

__all__ = ["LoadedModel", "ModelCard", "ModelPool", "ModelRef", "Wait", "inspect", "parse", "shared_pool"]
