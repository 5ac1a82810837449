"""Stage deep: networks trained where params ask for it, and what they see in the slices."""

from __future__ import annotations

import json

from vcfstats.contracts import arithmetic
from vcfstats.contracts.features import write_features
from vcfstats.contracts.files import write_text
from vcfstats.contracts.slices import SliceStack, read_slices
from vcfstats.learning.network import (
    FrozenOutputs,
    choose_hardware,
    load_trunk,
    train_networks,
    trunk_description,
    trunk_features,
    write_trained,
)
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.networks import CurvesWriter, write_networks


def run(study: StudyDirectory) -> None:
    """Write data/deep.parquet, data/deep.json, data/networks, models/network and models/trunk.json, the network's card."""
    stack = read_slices(study.slices_file)
    if study.params.trunk.trained == "none":
        _as_it_comes(study, stack)
    else:
        _trained(study, stack)


def _as_it_comes(study: StudyDirectory, stack: SliceStack) -> None:
    trunk = load_trunk(study.params.trunk)
    known = FrozenOutputs(trunk, "pooled", study.cache / "networks" / "frozen")
    features = trunk_features(stack, trunk, workers=study.params.compute.workers, pooled=known.of)
    write_features(features, trunk_description(stack, trunk), study.deep_file)
    _write_card(study, trunk.card)
    write_networks([], study.networks)


def _trained(study: StudyDirectory, stack: SliceStack) -> None:
    params = study.params
    cohort = study.read_cohort().drop(columns="partition").join(study.read_split())
    # What a GPU computes no other processor repeats to the byte.
    device = "cpu" if params.compute.arithmetic == arithmetic.PORTABLE else params.compute.device
    hardware = choose_hardware(device, mixed_precision=params.compute.mixed_precision)
    found = train_networks(
        stack,
        cohort,
        params.trunk,
        params.seed_for,
        hardware,
        workers=params.compute.workers,
        folder=study.cache / "networks",
        on_epoch=CurvesWriter(study.networks / "live"),
    )
    final = found[0]
    description = trunk_description(stack, load_trunk(params.trunk), card=final.card)
    write_features(final.features, description, study.deep_file)
    write_trained(final.training.state, study.network)
    _write_card(study, final.card)
    write_networks(found, study.networks)


def _write_card(study: StudyDirectory, card: dict[str, object]) -> None:
    text = json.dumps(card, indent=1, sort_keys=True) + "\n"
    write_text(study.models / "trunk.json", text)
    write_text(study.network / "card.json", text)  # beside the weights that it describes
