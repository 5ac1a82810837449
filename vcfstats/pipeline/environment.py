"""Platform, arithmetic and package versions: on what the last bits of a number may depend."""

from __future__ import annotations

import platform
from importlib import metadata

from packaging.requirements import Requirement

from vcfstats.contracts import arithmetic
from vcfstats.contracts.study import Environment


def here() -> Environment:
    """Return platform, arithmetic, Python and the versions of the packages that vcfstats asks for, those of development left out."""
    names = {
        requirement.name.lower()
        for requirement in map(Requirement, metadata.requires("vcfstats") or [])
        if "dev" not in str(requirement.marker or "")
    }
    versions = {}
    for name in sorted(names - {"vcfstats"}):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that is not installed: it computed nothing
    return Environment(
        platform=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages=versions,
        arithmetic=arithmetic.active(),
    )


def differences(then: Environment, now: Environment) -> list[str]:
    """Return what differs between two environments, such as ``numpy 2.4.1 -> 2.4.2``."""
    found = [f"{old} -> {new}" for old, new in ((then.platform, now.platform),) if old != new]
    if then.arithmetic != now.arithmetic:
        found.append(f"{then.arithmetic} arithmetic -> {now.arithmetic}")
    if then.python != now.python:
        found.append(f"Python {then.python} -> {now.python}")
    for name in sorted({*then.packages, *now.packages}):
        old, new = then.packages.get(name, "none"), now.packages.get(name, "none")
        if old != new:
            found.append(f"{name} {old} -> {new}")
    return found
