"""A model ready to run and what enters it: an id, a folder or a loaded model; texts or ids → `Inputs` and tokens."""

from attention.source.entering import MOST_WRITTEN, START_ALONE, has_two_sides, inputs_of
from attention.source.lengths import check_characters
from attention.source.loading import OnWait, Report, Source, load_source, loaded_source
from attention.source.notes import notes_of
from attention.source.reference import reference_inputs, reference_means

__all__ = [
    "MOST_WRITTEN",
    "START_ALONE",
    "OnWait",
    "Report",
    "Source",
    "check_characters",
    "has_two_sides",
    "inputs_of",
    "load_source",
    "loaded_source",
    "notes_of",
    "reference_inputs",
    "reference_means",
]
