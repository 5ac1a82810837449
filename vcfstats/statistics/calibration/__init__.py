"""Calibration: do predicted probabilities agree with what is observed?"""

from vcfstats.statistics.calibration.belt import CalibrationBelt, calibration_belt
from vcfstats.statistics.calibration.curve import CalibrationCurve, calibration_curve
from vcfstats.statistics.calibration.hosmer_lemeshow import HosmerLemeshowResult, hosmer_lemeshow
from vcfstats.statistics.calibration.scores import BrierScore, SpiegelhalterTest, brier_score, spiegelhalter_test
from vcfstats.statistics.calibration.summary import CalibrationSummary, calibration_summary
from vcfstats.statistics.calibration.updating import CalibrationUpdate, update_calibration

__all__ = [
    "BrierScore",
    "CalibrationBelt",
    "CalibrationCurve",
    "CalibrationSummary",
    "CalibrationUpdate",
    "HosmerLemeshowResult",
    "SpiegelhalterTest",
    "brier_score",
    "calibration_belt",
    "calibration_curve",
    "calibration_summary",
    "hosmer_lemeshow",
    "spiegelhalter_test",
    "update_calibration",
]
