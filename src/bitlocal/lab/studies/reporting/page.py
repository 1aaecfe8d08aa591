"""One HTML page with everything: it loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from bitlocal.lab.studies.reporting.figures import Figure
from bitlocal.lab.studies.reporting.runs import Report

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2em auto; max-width: 1180px;
  padding: 0 1.2em; }
h1 { font-size: 1.6em; } h2 { margin-top: 2em; border-bottom: 1px solid #ccc; font-size: 1.25em; }
h3 { font-size: 1.05em; }
nav a { margin-right: 1em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 9px; text-align: left; white-space: nowrap; border-bottom: 1px solid #e4e4e4; }
th { border-bottom: 2px solid #999; }
img { max-width: 100%; height: auto; }
p { max-width: 75ch; } code { background: #f2f2f2; padding: 1px 4px; }
details { margin: 1em 0; }
"""


def page(
    reports: Sequence[Report],
    *,
    command: str,
    environment: Mapping[str, str],
    summary: Sequence[str],
    notes: Sequence[str],
) -> str:
    """Write the page.

    Parameters
    ----------
    reports : sequence of Report
        Studies, in the order in which they are shown.
    command : str
        The command that makes these results.
    environment : mapping of str to str
        What they were computed with.
    summary : sequence of str
        Sentences on what ran.
    notes : sequence of str
        What is left out or failed, and why.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>bitlocal: comparison of methods</title><style>{_STYLE}</style></head><body>",
        "<h1>Comparison of methods</h1>",
        f"<p><code>{escape(command)}</code></p>",
        *(f"<p>{escape(sentence)}</p>" for sentence in summary),
    ]
    if notes:
        parts.append("<h2>Left out</h2><ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>")
    parts.append(
        "<nav>" + " ".join(f'<a href="#{escape(made.name)}">{escape(made.title)}</a>' for made in reports) + "</nav>"
    )
    for made in reports:
        parts.append(f'<h2 id="{escape(made.name)}">{escape(made.title)}</h2>')
        parts += [_image(figure) for figure in made.figures]
        for table in made.tables:
            if table.name == "tuning":
                parts.append(f'<details><summary>Tuning</summary><div class="wide">{table.html()}</div></details>')
            else:
                parts.append(f'<div class="wide">{table.html()}</div>')
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in environment.items())
    parts.append(f"<h2>Environment</h2><table>{rows}</table></body></html>")
    return "\n".join(parts) + "\n"


def _image(figure: Figure) -> str:
    # As an image and not inline: identifiers within one SVG could be those of another.
    data = base64.b64encode(figure.svg).decode()
    return f'<p><img alt="{escape(figure.title)}" src="data:image/svg+xml;base64,{data}"></p>'
