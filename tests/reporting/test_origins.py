"""The page of provenance."""

from vcfstats.contracts.plan import Plan, write_plan
from vcfstats.contracts.study import Environment, read_study, write_study
from vcfstats.reporting import open_study, origins


def test_hashes_seeds_and_packages_are_all_there(make_study):
    root = make_study()
    packages = {name: "1.0" for name in "abcdefg"}
    info = read_study(root / "results" / "study.json")
    environment = Environment(platform="Linux x86_64", python="3.11.2", packages=packages)
    write_study(info.model_copy(update={"environment": environment}), root / "results" / "study.json")
    write_plan(Plan(protocol="f" * 64, decisions="e" * 64, seed=1), root / "results" / "plan.json")
    study = open_study(root)
    assert "with Python 3.11.2 on Linux x86_64" in origins.told(study).plain
    hashes = [row[1].replace(" ", "") for row in origins.hashes_table(study).rows]
    assert hashes == [info.hashes.data, info.hashes.params, info.hashes.code, "e" * 64, "f" * 64]
    shown = [cell for row in origins.packages_table(study).rows for cell in row if cell]
    assert sorted(shown) == [f"{name} 1.0" for name in "abcdefg"]
    assert origins.seeds_table(study).rows[0][0] == "Root"


def test_results_of_before_say_so(make_study):
    study = open_study(make_study())
    assert "were not noted" in str(origins.packages_table(study))
    assert "with Python" not in origins.told(study).plain


def test_every_purpose_of_a_seed_is_listed():
    """Whoever draws random numbers for a new purpose adds it to the page."""
    import re
    from pathlib import Path

    import vcfstats

    listed = {re.split(r"[/{]", purpose)[0] for _, purpose in origins.PURPOSES}
    package = Path(vcfstats.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for room in ("learning", "pipeline") for path in (package / room).rglob("*.py"))  # fmt: skip
    used = {re.split(r"[/{]", found)[0] for found in re.findall(r"\bseed(?:_for|s)\(\s*f?\"([^\"]+)\"", code)}
    assert used
    assert used <= listed
