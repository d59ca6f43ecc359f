"""The queue in which runs of models wait their turn: bounded, fair, and each request run once for all who ask.

A few runs go on at once, and a few more may wait; who comes then is told so at once. The order is fair: people take
turns, so that one with ten requests does not hold up ten with one each. A run that waits for a model's files stands
aside meanwhile, and a long one gives way between two forwards. Who leaves frees their place.

`queue` has the order, `job` is one run as those see it who wait for it, and `runs` begins runs and keeps what they made
for whoever asks for the same again. A page passes the name of its session as `person`: no Streamlit here. Only
HeadlightErrors come out.
"""

from attention.jobs.job import BACK_SECONDS, LEFT_SECONDS, PRESENT_SECONDS, Job
from attention.jobs.pace import in_words
from attention.jobs.queue import SWEEP_SECONDS, TURN_SECONDS, BusyError, Queue, State, Ticket, shared_queue
from attention.jobs.runs import FAILURE_SECONDS, Asked, Runs

__all__ = [
    "BACK_SECONDS",
    "FAILURE_SECONDS",
    "LEFT_SECONDS",
    "PRESENT_SECONDS",
    "SWEEP_SECONDS",
    "TURN_SECONDS",
    "Asked",
    "BusyError",
    "Job",
    "Queue",
    "Runs",
    "State",
    "Ticket",
    "in_words",
    "shared_queue",
]
