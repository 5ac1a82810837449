"""The web nomogram: one HTML file with the model in it.

The page holds the model's coefficients, covariance and axes as data; its script (assets/nomogram.js) turns a patient's
values into points, probability and interval. Nothing is loaded from anywhere, and the page's own policy forbids it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files

from vcfstats.contracts.markup import hypertext
from vcfstats.contracts.nomogram import NomogramFile
from vcfstats.contracts.nomogram_data import nomogram_data

_ASSETS = files("vcfstats.reporting.web") / "assets"


def nomogram_page(content: NomogramFile) -> str:
    """Return the page of a nomogram.

    Parameters
    ----------
    content : NomogramFile
        The model with its words, as `read_nomogram` returns it.

    Raises
    ------
    ValueError
        There is no nomogram in it.
    """
    numbers = nomogram_data(content)
    style, script, template = (_asset(f"nomogram.{kind}") for kind in ("css", "js", "html"))
    # In a script element only "</" could end the data, and only "<!--" change how it is read.
    data = json.dumps(numbers, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    title = content.title or f"Nomogram: {content.outcome}"
    parts = {
        "TITLE": hypertext(title),
        "HEADING": hypertext(_heading(content, numbers["link"])),
        "SUBTITLE": hypertext(_subtitle(content)),
        "BANNER": _banner(content),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": data,
        "STYLE_HASH": _digest(style),
        "SCRIPT_HASH": _digest(script),
        "IDENTITY": _identity(content),
    }
    # All places at once: what is put into one may look like another.
    return re.sub("@@([A-Z_]+)@@", lambda place: parts[place[1]], template)


def _heading(content: NomogramFile, link: str) -> str:
    what = {"survival": "Probability of staying free of", "identity": "Predicted value"}.get(link, "Probability")
    return f"{what}: {content.outcome}"


def _subtitle(content: NomogramFile) -> str:
    who = f"Patients with {content.condition}" if content.condition else ""
    of = f"nomogram of the {content.model} model" if content.model else "nomogram"
    made = (
        f", made from {content.n:,} patients, {content.events:,} with the event" if content.n and content.events else ""
    )
    return f"{who + ': ' if who else ''}{of}{made}".strip()


def _banner(content: NomogramFile) -> str:
    said = []
    if content.simulated:
        said.append(("Simulated patients.", "The model was made from simulated data. Never use it for a real patient."))
    if content.caution:
        said.append(
            ("Do not use.", f"{content.caution[:1].upper()}{content.caution[1:]}: its percentages must not be used.")
        )
    if content.spread:
        said.append(("Read with care.", f"{content.spread[:1].upper()}{content.spread[1:]}."))
    return "".join(f'<p class="banner"><strong>{head}</strong> {hypertext(text)}</p>' for head, text in said)


def _identity(content: NomogramFile) -> str:
    parts = [f"vcfstats {content.version}"] if content.version else []
    if content.hashes is not None:
        parts += [f"{name} {getattr(content.hashes, name)[:12]}" for name in ("params", "data", "code")]
    return hypertext(" · ".join(parts))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
