"""Set the formulas in texts: LaTeX between dollar signs becomes MathML, which browsers draw without a library."""

from __future__ import annotations

import re

from latex2mathml.converter import convert
from markupsafe import Markup, escape

_FORMULA = re.compile(r"\$([^$]+)\$")
_MINUS = re.compile(r"(?<![\w.\]-])-(?=\d)")
_POWER_OF_TEN = re.compile(r"\b(\d+(?:\.\d+)?)e([+-]?\d+)\b")


def to_html(text: str) -> Markup:
    r"""Turn a text into safe HTML, each `$...$` into inline MathML: "so $\mu = 0.9$" -> "so <math>...</math>".

    A number such as 2.5e-13 becomes 2.5×10⁻¹³, and the minus before a number a minus sign. A formula that is not LaTeX stays readable as its source, in <code>.
    """
    # The parts alternate: text, formula, text, ...
    parts = _FORMULA.split(str(text))
    return Markup("").join(_formula(part) if i % 2 else escape(_powers(part)) for i, part in enumerate(parts))


def _formula(latex: str) -> Markup:
    # latex2mathml copies the contents of \text{} and unknown signs unchanged: no tag may come in that way.
    safe = latex.replace("&", r"\& ").replace("<", r"\lt ").replace(">", r"\gt ")
    try:
        return Markup(convert(safe))
    except Exception:  # the library raises IndexError, KeyError and a dozen classes of its own
        return Markup("<code>{}</code>").format(latex)


def _powers(text: str) -> str:
    text = _POWER_OF_TEN.sub(lambda found: scientific(found[1], int(found[2])), text)
    return _MINUS.sub("−", text)


def scientific(mantissa: str, exponent: int) -> str:
    """Write a number with raised digits: 2.5×10⁻¹³, or 10⁻¹³ for a mantissa of 1, or 2.5 for an exponent of 0."""
    if exponent == 0:
        return mantissa
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa}×10{raised}"
