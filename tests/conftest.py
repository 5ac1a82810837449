"""All tests run in the portable arithmetic; Hypothesis draws the same examples every time, so that a change alone can fail.

HYPOTHESIS_PROFILE=explore draws new ones.
"""

import os
import sys

import pytest
from hypothesis import settings

from vcfstats.contracts import arithmetic

if arithmetic.active() != arithmetic.PORTABLE:
    if "numpy" in sys.modules:  # it has chosen its code already
        pytest.exit('set the arithmetic before NumPy is loaded: eval "$(vcfstats arithmetic)"', returncode=4)
    arithmetic.apply(os.environ)  # for this process and those that it starts

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

collect_ignore_glob = ["reference/*/make.py"]  # written with packages that the tests do without
