"""What only the authors can say: the statements at the end of a paper, and who did what."""

from __future__ import annotations

from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose, join

# Statement -> its heading, in the order of print.
HEADINGS = {
    "keywords": "Keywords", "design": "Design", "setting": "Setting", "centres": "Centres", "dates": "Dates", "representative": "Population",
    "overlap": "Overlap with other studies", "deidentification": "De-identification", "image_source": "Images", "parameters": "Imaging parameters",
    "interval": "Interval between imaging and reference standard", "segmentation": "Segmentation", "test_masks": "Regions of the internal test set",
    "outcome_assessment": "Reference standard", "blinding": "Blinding", "confounders": "Confounding", "imbalance": "Class imbalance",
    "use": "Use of the model", "ethics": "Ethics", "registration": "Registration", "involvement": "Patients and the public", "funding": "Funding",
    "competing_interests": "Competing interests", "data_availability": "Data", "feature_availability": "Features", "code_availability": "Code",
    "acknowledgements": "Acknowledgements",
}  # fmt: skip


def statements(study: Study) -> str:
    """Return the section of statements as Markdown: what the authors gave, and their roles; empty without any."""
    given = [
        compose("{heading}. {text}", heading=Text(heading, f"**{heading}**"), text=study.info.statements[name])
        for name, heading in HEADINGS.items()
        if study.info.statements.get(name)
    ]
    roles = [
        compose("{name}: {roles}.", name=author.name, roles=", ".join(author.roles).lower())
        for author in study.info.authors
        if author.roles
    ]
    if roles:
        given.append(
            compose("{heading}. {roles}", heading=Text("Contributions", "**Contributions**"), roles=join(roles))
        )
    if not given:
        return ""
    return "# Statements {.unnumbered}\n\n" + "\n\n".join(text.markdown for text in given) + "\n"
