"""Stage split: training and testing patients, and the folds of the training patients."""

from vcfstats.contracts.files import write_text
from vcfstats.learning.splitting import assign_folds, split_cohort
from vcfstats.pipeline.cells import Told
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.feasible import tell_infeasible


def run(study: StudyDirectory) -> None:
    """Write data/split.csv: case_id, partition, fold (empty for testing cases)."""
    params = study.params
    cohort = study.read_cohort()
    # What changed in params.yaml since ingest looked at the table is told before the models' stages.
    told = Told(study.cohort_file)
    tell_infeasible(cohort, params, told)
    told.refuse()
    cohort["partition"] = split_cohort(cohort, params.split, params.seed_for("split"))
    training = cohort[cohort["partition"] == "training"]
    cohort["fold"] = (
        assign_folds(training, params.learning.folds.n, params.seed_for("folds")).reindex(cohort.index).astype("Int64")
    )
    write_text(study.split_file, cohort[["partition", "fold"]].to_csv(lineterminator="\n"))
    counts = cohort.groupby("partition")["outcome"].agg(["size", "sum"]).sort_index(ascending=False)
    print("split: " + ", ".join(f"{name} {row['size']} cases, {row['sum']} events" for name, row in counts.iterrows()))
