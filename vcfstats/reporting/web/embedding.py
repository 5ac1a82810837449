"""The web nomogram inside the HTML paper, and the words that lead to it."""

from __future__ import annotations

import html

from vcfstats.contracts.markup import raw_html
from vcfstats.reporting.study import Study
from vcfstats.reporting.web.page import nomogram_page

PAGE = "nomogram.html"  # beside the documents


def embedded(study: Study) -> str:
    """Return Markdown: a sentence for every format, and for HTML the page itself in a frame; empty without a nomogram."""
    content = study.nomogram()
    if content is None or content.nomogram is None:
        return ""
    sentence = f"The file `{PAGE}` beside this document computes points, probability and interval of a patient in a browser, without a network."
    # The frame holds the whole page as text: the paper stays one file, and the page keeps its own policy.
    frame = (
        '<iframe class="study-nomogram" title="Nomogram that computes points and probability of a patient" loading="lazy"'
        f' srcdoc="{html.escape(nomogram_page(content), quote=True)}"></iframe>'
    )
    return f"{sentence}\n\n{raw_html(frame)}\n"
