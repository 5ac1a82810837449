"""Stage deep: what a frozen network sees in the slices."""

import json

from vcfstats.contracts.features import write_features
from vcfstats.contracts.files import write_text
from vcfstats.contracts.slices import read_slices
from vcfstats.learning.network import load_trunk, trunk_description, trunk_features
from vcfstats.pipeline.directory import StudyDirectory


def run(study: StudyDirectory) -> None:
    """Write data/deep.parquet, data/deep.json and models/trunk.json, the network's card."""
    params = study.params
    stack = read_slices(study.slices_file)
    trunk = load_trunk(params.trunk)
    features = trunk_features(stack, trunk, workers=params.compute.workers)
    write_features(features, trunk_description(stack, trunk), study.deep_file)
    write_text(study.models / "trunk.json", json.dumps(trunk.card, indent=1, sort_keys=True) + "\n")
