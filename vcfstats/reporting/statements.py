"""What only the authors can say: the statements at the end of a paper, and who did what."""

from __future__ import annotations

from vcfstats.contracts.markup import markdown
from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose, join

# Statement -> its heading, in the order of print.
HEADINGS = {
    "design": "Design", "setting": "Setting", "centres": "Centres", "dates": "Dates", "representative": "Population",
    "overlap": "Overlap with other studies", "deidentification": "De-identification", "image_source": "Images", "parameters": "Imaging parameters",
    "interval": "Interval between imaging and reference standard", "segmentation": "Segmentation", "test_masks": "Regions of the internal test set",
    "outcome_assessment": "Reference standard", "blinding": "Blinding", "confounders": "Confounding", "imbalance": "Class imbalance",
    "use": "Use of the model", "ethics": "Ethics", "registration": "Registration", "involvement": "Patients and the public", "funding": "Funding",
    "competing_interests": "Competing interests", "data_availability": "Data", "feature_availability": "Features", "code_availability": "Code",
    "acknowledgements": "Acknowledgements",
}  # fmt: skip


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def title_page(study: Study) -> str:
    """Return who wrote the paper as Markdown: names with marks, affiliations, ORCID, correspondence, keywords; empty without.

    Word's own title block shows names only, so that all of it stands in the text, alike in every format.
    """
    authors = study.info.authors
    places = list(dict.fromkeys(author.affiliation for author in authors if author.affiliation))
    numbered = {place: str(number).translate(_RAISED) for number, place in enumerate(places, 1)}
    marks = numbered if len(authors) > 1 and places else dict.fromkeys(places, "")
    lines = [", ".join(markdown(author.name + marks.get(author.affiliation, "")) for author in authors)]
    lines += [markdown(f"{marks[place]} {place}".strip()) for place in places]
    identified = [
        f"{markdown(author.name)} [{author.orcid}](https://orcid.org/{author.orcid})"
        for author in authors
        if author.orcid
    ]
    lines += [f"ORCID: {'; '.join(identified)}"] if identified else []
    for name, heading in (("correspondence", "Correspondence"), ("keywords", "Keywords")):
        if text := study.info.statements.get(name):
            lines.append(f"{heading}: {markdown(text)}")
    return "\\\n".join(line for line in lines if line) + "\n"


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
