"""Checks that every statistic makes of what it is given: one message that says what was found and what to do.

`numbers` says what may stand for numbers, `patients` reads one value a patient (outcomes, scores, labels), `alignment` holds
the rows of several arguments together, `options` are words and seeds. `columns` is of
frames: it imports pandas, and is asked by its own name.
"""

from vcfstats.statistics.inputs.alignment import check_alignment, check_order, row_labels
from vcfstats.statistics.inputs.numbers import (
    LARGEST,
    BoolArray,
    FloatArray,
    as_array,
    as_count,
    as_finite,
    as_number,
    as_numbers,
    as_positive,
    as_share,
    check_level,
    is_missing,
    is_time,
    missing_of,
    refuse_cells,
    refuse_huge,
    refuse_missing,
    refuse_times,
    where,
)
from vcfstats.statistics.inputs.options import RandomState, as_flag, as_generator, as_list, check_choice, refuse_unused
from vcfstats.statistics.inputs.patients import (
    as_labels,
    as_named_labels,
    as_outcome,
    as_probabilities,
    as_score_matrix,
    as_scores,
    refuse_spellings,
    sorted_labels,
)

__all__ = [
    "LARGEST",
    "BoolArray",
    "FloatArray",
    "RandomState",
    "as_array",
    "as_count",
    "as_finite",
    "as_flag",
    "as_generator",
    "as_labels",
    "as_list",
    "as_named_labels",
    "as_number",
    "as_numbers",
    "as_outcome",
    "as_positive",
    "as_probabilities",
    "as_score_matrix",
    "as_scores",
    "as_share",
    "check_alignment",
    "check_choice",
    "check_level",
    "check_order",
    "is_missing",
    "is_time",
    "missing_of",
    "refuse_cells",
    "refuse_huge",
    "refuse_missing",
    "refuse_spellings",
    "refuse_times",
    "refuse_unused",
    "row_labels",
    "sorted_labels",
    "where",
]
