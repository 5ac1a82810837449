"""What stage deep hands on of the networks that it trained: heads, features by network, training curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import read_features
from vcfstats.contracts.files import replacing, write_text
from vcfstats.contracts.study import TABLES
from vcfstats.learning.crossfit import HeldOut, described
from vcfstats.learning.deepnetworks import DeepNetworks, network_head

if TYPE_CHECKING:
    from vcfstats.learning.network.checkpoint import Epoch
    from vcfstats.learning.network.networks import TrainedNetwork

_HEADS, _CURVES = "heads.json", "training.csv"


@dataclass
class CurvesWriter:
    """Logs every epoch with DVCLive, one folder a network: `dvc plots` and its editors show training while it goes on."""

    folder: Path
    _live: dict[str, Any] = field(default_factory=dict)

    def __call__(self, name: str, epoch: Epoch) -> None:
        """Log one epoch of one network."""
        from dvclive.live import Live

        if epoch.epoch == 1:
            folder = self.folder / _file_name(name)
            self._live[name] = Live(str(folder), save_dvc_exp=False, dvcyaml=None, monitor_system=False)
        live = self._live[name]
        for measure, value in asdict(epoch).items():
            if measure != "epoch" and value is not None:
                live.log_metric(measure, value)
        live.next_step()

    def __getstate__(self) -> dict[str, Any]:
        """Each process logs the networks that it trains itself."""
        return {"folder": self.folder, "_live": {}}


def _file_name(name: str) -> str:
    return name.replace(" ", "_")


def write_networks(networks: Sequence[TrainedNetwork], folder: Path) -> None:
    """Write heads, training curves and, where trained layers made features of their own, a matrix for each network."""
    heads = [
        {
            "held_out": list(network.held_out),
            "weights": network.weights.tolist(),
            "intercept": network.intercept,
            "n": network.card["training"]["n_cases"],
            "n_events": network.card["training"]["n_events"],
            "own_features": bool(network.card["trained_layers"]),
        }
        for network in networks
    ]
    write_text(folder / _HEADS, json.dumps(heads, allow_nan=False) + "\n")
    rows = [
        (
            described(network.held_out),
            *asdict(epoch).values(),
            "yes" if epoch.epoch == network.training.best_epoch else "no",
        )
        for network in networks
        for epoch in network.training.history
    ]
    table = pd.DataFrame(rows, columns=list(TABLES["training"]))
    write_text(folder / _CURVES, table.to_csv(index=False, lineterminator="\n"))
    for network in networks:
        if network.held_out and network.card["trained_layers"]:
            with replacing(_matrix(folder, network.held_out)) as temporary:
                network.features.sort_index().to_parquet(temporary)


def _matrix(folder: Path, held_out: HeldOut) -> Path:
    return folder / f"{_file_name(described(held_out))}.parquet"


def read_networks(folder: Path, units: Sequence[str], rule: str) -> DeepNetworks:
    """Read what `write_networks` wrote.

    Parameters
    ----------
    folder : Path
        data/networks of a study.
    units : sequence of str
        Units of one slice.
    rule : str
        How slices become one probability.

    Raises
    ------
    InputError
        The stage deep has not run.
    """
    path = folder / _HEADS
    if not path.is_file():
        raise InputError(Problem("no such file", "the networks of a study", "run the stage deep first", file=path))
    heads, matrices = {}, {}
    for head in json.loads(path.read_text(encoding="utf-8")):
        held_out = tuple(head["held_out"])
        heads[held_out] = network_head(
            units, head["weights"], head["intercept"], rule=rule, n=head["n"], n_events=head["n_events"]
        )
        if held_out and head["own_features"]:
            matrices[held_out] = read_features(_matrix(folder, held_out))
    return DeepNetworks(heads, matrices)


def read_curves(folder: Path) -> pd.DataFrame:
    """Return the training curves of all networks, without rows where none was trained."""
    return pd.read_csv(folder / _CURVES)
