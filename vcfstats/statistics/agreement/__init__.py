"""Agreement of raters, readings and instruments: intraclass correlation, kappas, limits of agreement."""

from vcfstats.statistics.agreement.intraclass import IntraclassCorrelation, icc
from vcfstats.statistics.agreement.kappa import cohen_kappa, fleiss_kappa, gwet_ac1
from vcfstats.statistics.agreement.kappa_results import CohenKappaResult, FleissKappaResult, GwetAC1Result
from vcfstats.statistics.agreement.limits import BlandAltmanResult, bland_altman

__all__ = [
    "BlandAltmanResult",
    "CohenKappaResult",
    "FleissKappaResult",
    "GwetAC1Result",
    "IntraclassCorrelation",
    "bland_altman",
    "cohen_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "icc",
]
