"""Write combat.json: what neuroCombat 0.2.12 (numpy below 2) makes of the data that tests generate.

    pip install neuroCombat==0.2.12 numpy==1.26.4 pandas==2.3.3
    python make.py

Its iteration stops at a relative change of 1e-4 unless told otherwise; the values here are those of 1e-13, and for one
configuration those of its own default beside them.
"""

import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from combat_cohort import CONFIGURATIONS, cohort
from neuroCombat import neuroCombat as package

module = sys.modules["neuroCombat.neuroCombat"]  # the function hides the module of the same name
DEFAULT = module.it_sol.__defaults__


def run(X, batch, age, sex, *, covariates, prior, mean_only, tolerance=1e-13):
    module.it_sol.__defaults__ = DEFAULT if tolerance is None else (tolerance,)
    table = pd.DataFrame({"batch": batch, "age": age, "sex": sex})
    with redirect_stdout(StringIO()):
        found = package(
            dat=X.T.copy(),
            covars=table if covariates else table[["batch"]],
            batch_col="batch",
            categorical_cols=["sex"] if covariates else None,
            continuous_cols=["age"] if covariates else None,
            eb=prior != "none",
            parametric=prior == "parametric",
            mean_only=mean_only,
        )
    estimates = found["estimates"]
    return {
        "data": found["data"].T.tolist(),
        "gamma_star": np.asarray(estimates["gamma.star"]).tolist(),
        "delta_star": np.asarray(estimates["delta.star"], dtype=float).tolist(),
    }


out = {}
for name, settings in CONFIGURATIONS.items():
    given = dict(settings)
    out[name] = run(*cohort(**given.pop("data")), **given)
first = dict(CONFIGURATIONS["two scanners"])
out["two scanners, default tolerance"] = run(*cohort(**first.pop("data")), **first, tolerance=None)
Path(__file__).with_name("combat.json").write_text(json.dumps(out) + "\n")
