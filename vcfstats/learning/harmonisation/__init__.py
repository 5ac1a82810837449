"""Features of several scanners brought to a common location and spread, learned from training patients."""

from vcfstats.learning.harmonisation.columns import SCANNER, check_scanners, context_columns, split_context
from vcfstats.learning.harmonisation.combat import ComBat
from vcfstats.learning.harmonisation.correction import Correction
from vcfstats.learning.harmonisation.effect import ScannerEffect, scanner_effect
from vcfstats.learning.harmonisation.frames import harmonise

__all__ = [
    "SCANNER",
    "ComBat",
    "Correction",
    "ScannerEffect",
    "check_scanners",
    "context_columns",
    "harmonise",
    "scanner_effect",
    "split_context",
]
