"""The data and configurations whose harmonised values combat.json holds; numbers are those of a generator fixed here."""

import numpy as np

CONFIGURATIONS = {
    "two scanners": {
        "data": {"counts": [18, 14], "p": 12, "seed": 1},
        "covariates": False,
        "prior": "parametric",
        "mean_only": False,
    },
    "two scanners, covariates": {
        "data": {"counts": [18, 14], "p": 12, "seed": 1},
        "covariates": True,
        "prior": "parametric",
        "mean_only": False,
    },
    "three scanners, one small": {
        "data": {"counts": [16, 11, 3], "p": 10, "seed": 2},
        "covariates": True,
        "prior": "parametric",
        "mean_only": False,
    },
    "mean only": {
        "data": {"counts": [18, 14], "p": 12, "seed": 3},
        "covariates": True,
        "prior": "parametric",
        "mean_only": True,
    },
    "nonparametric": {
        "data": {"counts": [12, 10], "p": 9, "seed": 4},
        "covariates": True,
        "prior": "nonparametric",
        "mean_only": False,
    },
    "nonparametric, mean only": {
        "data": {"counts": [12, 10], "p": 9, "seed": 4},
        "covariates": False,
        "prior": "nonparametric",
        "mean_only": True,
    },
    "not shrunken": {
        "data": {"counts": [18, 14], "p": 12, "seed": 5},
        "covariates": True,
        "prior": "none",
        "mean_only": False,
    },
    "tied values": {
        "data": {"counts": [18, 14], "p": 12, "seed": 6, "rounded": True},
        "covariates": False,
        "prior": "parametric",
        "mean_only": False,
    },
}


def cohort(counts, p, seed, rounded=False):
    """Return features of shape (n, p), scanner, age (whole years) and sex, the rows in no order of the scanners."""
    uniform = _generator(seed)
    n = sum(counts)
    scanner = np.repeat([f"s{i}" for i in range(len(counts))], counts)[np.argsort(uniform(n))]
    age = np.floor(40 + 50 * uniform(n))
    sex = (uniform(n) < 0.5).astype(int)
    noise = uniform(n * p).reshape(n, p) + uniform(n * p).reshape(n, p) + uniform(n * p).reshape(n, p) - 1.5
    shift, factor = 2 * uniform(len(counts) * p).reshape(-1, p) - 1, 0.5 + uniform(len(counts) * p).reshape(-1, p)
    which = np.searchsorted(np.unique(scanner), scanner)
    X = shift[which] + factor[which] * noise + np.outer(age - 65, 0.03 * uniform(p)) + np.outer(sex, uniform(p) - 0.5)
    X = X * 10 ** (4 * uniform(p) - 2) + 20 * uniform(p)
    return (np.round(2 * X / X.std(axis=0)) / 2 if rounded else X), scanner, age, sex


def _generator(seed):
    """Return uniform numbers of Park and Miller's generator: the same on any version of any library."""
    state = 1000 + seed

    def uniform(n):
        nonlocal state
        values = np.empty(n)
        for i in range(n):
            state = state * 48271 % 2147483647
            values[i] = state / 2147483647
        return values

    return uniform
