"""What a model predicts, from its own untouched run: next tokens, fillers of a blank, labels, answers; and its writing.

`predict` makes `Predictions`, which keep the likeliest few of each place and never a whole vocabulary; `generate` lets
the model continue by some tokens. `refusal` says in one sentence why a model predicts nothing, or "".
"""

from attention.prediction.continuation import Continuation, Step, Stopped, generate
from attention.prediction.last import Distribution, distribution
from attention.prediction.likely import predict, refusal
from attention.prediction.results import Answer, Candidate, Prediction, Predictions

__all__ = [
    "Answer",
    "Candidate",
    "Continuation",
    "Distribution",
    "Prediction",
    "Predictions",
    "Step",
    "Stopped",
    "distribution",
    "generate",
    "predict",
    "refusal",
]
