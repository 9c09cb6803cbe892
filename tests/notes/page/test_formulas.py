"""Formulas in texts: MathML where they are LaTeX, their source where they are not."""

from mx_notes.notes.claim import claims
from mx_notes.notes.page.formulas import to_html


def test_formulas_become_mathml_and_the_rest_is_escaped():
    text = to_html(r"with $\mu = 0.9 < 1$ & 5 < 6, at most 2.5e-13")
    assert text.startswith("with <math ")
    assert "<mi>μ</mi>" in text.replace("&#x003BC;", "μ")
    assert text.endswith("&amp; 5 &lt; 6, at most 2.5×10⁻¹³")


def test_a_broken_formula_is_shown_as_it_was_written():
    assert to_html(r"so $\frac{$ <") == r"so <code>\frac{</code> &lt;"


def test_the_claims_formulas_are_latex():
    for module in claims().values():
        for text in (module.CLAIM.statement, module.CLAIM.method, module.CLAIM.criterion):
            assert "<code>" not in to_html(text), text
            assert text.count("$") % 2 == 0, text
