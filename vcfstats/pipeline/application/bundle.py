"""The model bundle: a folder that holds all that is needed to score a new patient from image, mask and findings.

`manifest.json` names every other file with its SHA-256; `bundle.json` holds the settings of each step and summaries of the
training patients; `models.json`, `classifiers/` and `nomogram.json` the models; `network.safetensors` the network;
`README.md` is the model card. JSON, safetensors and skops with an allow-list: nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vcfstats import Nomogram, __version__
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash, write_text
from vcfstats.contracts.nomogram import read_nomogram
from vcfstats.contracts.strict import strict_json
from vcfstats.imaging.settings import PreprocessSettings, RadiomicsSettings
from vcfstats.imaging.slices import SliceSettings
from vcfstats.learning.network.settings import TrunkSettings
from vcfstats.learning.scoring import Scorer, read_scorer
from vcfstats.pipeline.params import CohortSection

FORMAT: Literal[2] = 2
MANIFEST, BODY, NOMOGRAM, NETWORK, CARD = (
    "manifest.json",
    "bundle.json",
    "nomogram.json",
    "network.safetensors",
    "README.md",
)
SUFFIXES = (".json", ".skops", ".safetensors", ".md")
# Packages whose version may change a probability.
PACKAGES = (
    "numpy", "scipy", "pandas", "SimpleITK", "pyradiomics-bhklab", "PyWavelets", "trimesh", "torch", "scikit-learn", "xgboost-cpu", "lightgbm",
    "skops",
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Numbers(_Part):
    """A number over the training cases: counts, mean, standard deviation (ddof 1) and quantiles (type 7)."""

    n: int
    missing: int = 0
    mean: float | None
    sd: float | None
    low: float | None
    q1: float | None
    median: float | None
    q3: float | None
    high: float | None


class Levels(_Part):
    """A finding over the training cases: level in the table -> cases."""

    counts: dict[str, int]
    missing: int = 0


class Moments(_Part):
    """Means and covariance (ddof 1) of the outcome and of what the model is made of, over complete training cases."""

    names: tuple[str, ...]
    n: int
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]


class OutOfFold(_Part):
    """How a model did on training cases by models that had not seen them: AUC with DeLong's 95% interval."""

    n: int
    events: int
    auc: float | None
    low: float | None
    high: float | None
    linear_predictor: Numbers


class Development(_Part):
    """The training cases, in numbers: no row of it is a patient."""

    n_cases: int
    n_patients: int
    n_events: int
    numbers: dict[str, Numbers]
    levels: dict[str, Levels]
    out_of_fold: dict[str, OutOfFold]
    moments: Moments | None
    scanners: tuple[str, ...]  # manufacturer and model, where headers said it
    images: tuple[str, ...]  # SHA-256 of the hash of each training image: tells whether a new case is one of them


class Words(_Part):
    """What documents call things."""

    title: str
    condition: str
    case_noun: str


class Hashes(_Part):
    """SHA-256 of what made the models."""

    params: str
    data: str
    code: str


class BundleBody(_Part):
    """bundle.json."""

    format: Literal[2] = Field(description="of the bundle; another one is refused")
    version: str
    model: str  # the one that the bundle is for: dlrn where it was fitted
    simulated: bool
    study: Words
    cohort: CohortSection
    preprocess: PreprocessSettings
    radiomics: RadiomicsSettings
    slices: SliceSettings
    trunk: TrunkSettings
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]]
    absent: dict[str, str]
    holds_patients: dict[str, int]  # classifier that is made of training cases -> how many of them its file holds
    development: Development
    hashes: Hashes
    versions: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and checked.

    Attributes
    ----------
    folder : Path
        Where it lies.
    body : BundleBody
        Settings, summaries, hashes.
    scorer : Scorer
        The models.
    nomogram : Nomogram or None
        The point scale; None where there is no nomogram model.
    """

    folder: Path
    body: BundleBody
    scorer: Scorer
    nomogram: Nomogram | None

    @cached_property
    def id(self) -> str:
        """The first 16 digits of the manifest's SHA-256: the same for the same models, settings and summaries."""
        return file_hash(self.folder / MANIFEST)[:16]

    @property
    def trunk(self) -> TrunkSettings:
        """Settings that load the network from the bundle's own file."""
        return self.body.trunk.model_copy(
            update={"weights": "file", "weights_file": str(self.folder / NETWORK), "weights_sha256": None}
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The headline models that it scores, the one that it is for first."""
        return tuple(name for name in self.scorer.models if name in self.body.thresholds)

    def differences(self) -> list[str]:
        """Say which versions here are not those that the models were made with."""
        here = {**{name: installed(name) for name in PACKAGES}, "vcfstats": __version__}
        made = {**self.body.versions, "vcfstats": self.body.version}
        return [f"{name} {here.get(name)} (made with {old})" for name, old in made.items() if here.get(name) != old]


def installed(package: str) -> str | None:
    """Return a package's version, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_manifest(folder: Path) -> None:
    """Write the manifest: every file of the folder with its SHA-256."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: file_hash(folder / name) for name in names if name != MANIFEST}
    write_text(folder / MANIFEST, json.dumps({"format": FORMAT, "files": files}, indent=1, sort_keys=True) + "\n")


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every file of it against the manifest.

    The hashes find damage and files that were changed by themselves; against somebody who writes a manifest as well stands
    the bundle's id alone, which predictions print.

    Raises
    ------
    InputError
        No bundle there, one of another format, files that are missing, changed, unknown or of a kind that is never read.
    """
    files = _manifest(folder)
    problems = [
        Problem(
            f"a file {name!r} that the manifest does not list" if name not in files else f"a file {name!r}",
            f"the files of the manifest, {', '.join(SUFFIXES)}",
            "take it away, or fetch the bundle again from whoever made it",
            file=folder / name,
        )
        for name in _present(folder)
        if name not in files or Path(name).suffix not in SUFFIXES
    ]
    for name, digest in files.items():
        path = folder / name
        if not path.is_file() or file_hash(path) != digest:
            problems.append(
                Problem(
                    "no such file" if not path.is_file() else "another SHA-256 than the manifest's",
                    "the bundle's files, unchanged",
                    "fetch the bundle again from whoever made it, or run `dvc repro`",
                    file=path,
                )
            )
    if problems:
        raise InputError(problems)
    body = _body(folder)
    try:
        scorer = read_scorer(folder)
        drawn = folder / NOMOGRAM
        nomogram = read_nomogram(drawn).model_of() if drawn.is_file() else None
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _unreadable(folder, str(error)) from error
    if not body.model:
        why = "; ".join(f"{name}: {reason}" for name, reason in body.absent.items())
        raise InputError(
            Problem(
                f"a bundle without a model ({why})", "one fitted model at least", "see the study's notes", file=folder
            )
        )
    return Bundle(folder, body, scorer, nomogram)


def _present(folder: Path) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
    return sorted(name for name in names if name != MANIFEST)


def _manifest(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(
            Problem(
                "no manifest.json",
                "a model bundle, as the stage learn writes it to models/dlrn",
                "name its folder with --model",
                file=folder,
            )
        )
    try:
        content = strict_json(path.read_text(encoding="utf-8"))
        made, files = content["format"], {str(name): str(digest) for name, digest in content["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, str(error)) from error
    outside = [name for name in files if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:
        raise _unreadable(path, f"it lists {outside[0]!r}, which lies outside of the bundle")
    if made != FORMAT:
        raise InputError(
            Problem(
                f"a bundle of format {made}",
                f"format {FORMAT}, which vcfstats {__version__} writes",
                "use the version of vcfstats that made it (its README.md says which), or make the bundle again",
                file=folder,
            )
        )
    return files


def _body(folder: Path) -> BundleBody:
    path = folder / BODY
    text = path.read_text(encoding="utf-8") if path.is_file() else "{}"
    try:
        strict_json(text)
        return BundleBody.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            Problem(
                f"{key}: {first['msg']}, in a bundle made by vcfstats {_version_in(text)}",
                f"the settings that vcfstats {__version__} knows",
                "use the version of vcfstats that made it, or make the bundle again",
                file=path,
            )
        ) from None
    except ValueError as error:
        raise _unreadable(path, str(error)) from error


def _version_in(text: str) -> str:
    try:
        return str(json.loads(text).get("version", "of an unknown version"))
    except (ValueError, AttributeError):
        return "of an unknown version"


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        Problem(
            f"a file that cannot be read ({why})",
            "a model bundle, as the stage learn writes it",
            "fetch the bundle again from whoever made it",
            file=path,
        )
    )


def hashed(value: Any) -> str:
    """Hash a value of plain types; the order of keys counts, as that of a finding's levels does."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def image_mark(digest: str) -> str:
    """Return the mark of a training image from the hash of its file: it tells equality and nothing else."""
    return hashlib.sha256(f"vcfstats training image {digest}".encode()).hexdigest()
