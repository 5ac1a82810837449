"""Hypothesis draws the same examples every time, so that a change alone can make a test fail.

HYPOTHESIS_PROFILE=explore draws new ones.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

collect_ignore_glob = ["reference/*/make.py"]  # written with packages that the tests do without
