"""The page: everything measured stands on it, nothing breaks out of its place, nothing is loaded."""

import dataclasses
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from mx_notes.notes.claim import HEADINGS, Claim, Evidence, Figure, Setting, Table, Verdict
from mx_notes.notes.claim_processes import Outcome
from mx_notes.notes.page.formulas import to_html
from mx_notes.notes.page.render import cell, html
from mx_notes.notes.record import Result

OUT = Path("runs/notes")
EVIL = "<script>alert(1)</script> & \"more\" <img src=x onerror='y'>"


class Tags(HTMLParser):
    """The page's start tags, as (name, attributes)."""

    def __init__(self, text):
        super().__init__()
        self.all = []
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.all.append((name, dict(attributes)))

    def values(self, attribute):
        return [attributes[attribute] for _, attributes in self.all if attribute in attributes]


@pytest.fixture(scope="module")
def page(record):
    return html(record, OUT)


def planted(evidence, **texts):
    module = ModuleType("planted")
    module.__file__ = "planted.py"
    texts = dict.fromkeys(("quote", "statement", "question", "method", "criterion"), "text") | texts
    answers = {Verdict.CONFIRMED: texts["statement"], Verdict.CORRECTED: "text"}
    module.CLAIM = Claim(id="planted", heading="accuracy", order=1, answers=answers, **texts)
    return Result(module, Outcome(evidence, "", 1.0))


def test_the_headings_stand_in_the_notes_order_with_their_chinese(page):
    places = [page.index(f"<h2>{HEADINGS[name][0]}") for name in ("momentum", "softmax", "resnet")]
    assert places == sorted(places)
    assert '<span class="chinese" lang="zh-Hans">Softmax函数</span>' in page
    assert HEADINGS["loss"][1] not in page  # none of its claims was run


def test_a_claim_shows_what_was_said_done_and_seen(record, page):
    softmax = record.results[1]
    article = page[page.index('<article id="softmax"') : page.index('<article id="resnet-table"')]
    claim, evidence = softmax.claim, softmax.outcome.evidence
    for text in (claim.statement, claim.question, claim.method, claim.criterion, evidence.reason):
        assert to_html(text) in article
    assert f'<blockquote lang="zh-Hans">{claim.quote}</blockquote>' in article
    assert to_html(evidence.correction) in article
    assert article.count("<svg") == len(evidence.figures)
    assert article.count('<figure class="table">') == len(evidence.tables)
    assert "mx_notes/notes/claims/softmax.py, line " in article
    assert "\n    exponentials = np.exp(" in article  # the lines that matter, from the module itself
    assert "1.2 s" in article
    assert f'<a href="#softmax">Softmax</a></th><td><span class="badge {softmax.verdict}">' in page


def test_the_right_answer_is_the_verdicts(record, page):
    softmax = record.results[1]
    right = re.findall(r"<button[^>]* data-right>(.*?)</button>", page)
    assert to_html(softmax.claim.answers[softmax.outcome.evidence.verdict]) in right
    assert len(right) == 2  # one for each claim that was measured

    undecided = dataclasses.replace(softmax.outcome.evidence, verdict=Verdict.INCONCLUSIVE)
    alone = html(dataclasses.replace(record, results=[planted(undecided)]), OUT)
    assert "data-right" not in alone
    assert "This run can’t tell." in alone


def test_rules_are_linked_to_their_page_from_wherever_the_note_lies(record, tmp_path):
    claim = dataclasses.replace(record.results[1].claim, rules=("mean-loss",), commands=("mx-notes doctor",))
    evidence = record.results[1].outcome.evidence
    result = planted(evidence)
    result.module.CLAIM = dataclasses.replace(claim, id="planted")
    (link,) = re.findall(
        r'href="([^"#]*)#mean-loss"', html(dataclasses.replace(record, results=[result]), tmp_path)
    )
    assert "\n## mean-loss\n" in (tmp_path / link).read_text()


def test_a_claim_that_could_not_be_measured_says_why(page):
    assert page.count("RuntimeError: a_name") == 2  # in the table of verdicts and at its place
    assert "&lt;b&gt;&amp; so on&lt;/b&gt;" in page
    assert "<b>&" not in page


def test_only_a_quick_run_says_so(record, page):
    assert "This was a quick run," in page
    assert "quick run" not in html(dataclasses.replace(record, setting=Setting(seed=3)), OUT)


def test_a_live_part_comes_with_its_claim_only(record):
    for claim in ("momentum", "softmax"):
        alone = html(
            dataclasses.replace(
                record, results=[r for r in record.results if r.claim.id in (claim, "resnet-table")]
            ),
            OUT,
        )
        assert re.findall(r'<section class="live" id="live-(\w+)"', alone) == [claim]
    assert "const parts" not in html(dataclasses.replace(record, results=record.results[2:]), OUT)


def test_nothing_is_loaded(page):
    tags = Tags(page)
    assert {name for name, _ in tags.all} & {"img", "iframe", "object", "embed", "audio", "video"} == set()
    assert tags.values("src") == []
    links = tags.values("href") + tags.values("xlink:href")
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "@import" not in page
    assert re.findall(r"url\((?!#|data:)", page) == []


def test_ids_are_unique_and_references_lead_somewhere(page):
    tags = Tags(page)
    ids = tags.values("id")
    assert len(ids) == len(set(ids))
    references = {link[1:] for link in tags.values("href") + tags.values("xlink:href") if link[0] == "#"}
    references |= set(re.findall(r"url\(#([^)]+)\)", page)) | set(tags.values("aria-labelledby"))
    references |= set(tags.values("for"))
    assert references <= set(ids)


def test_text_stays_text(record):
    evidence = Evidence(
        Verdict.CORRECTED,
        deciding=EVIL,
        reason=EVIL,
        numbers={},
        correction=EVIL,
        sample=EVIL,
        tables=[Table(EVIL, [EVIL], [[EVIL]])],
        figures=[Figure(EVIL, '<svg width="1pt"></svg>')],
    )
    texts = dict.fromkeys(("quote", "statement", "question", "method", "criterion"), f"${EVIL}$ and {EVIL}")
    tags = Tags(html(dataclasses.replace(record, results=[planted(evidence, **texts)]), OUT))
    names = [name for name, _ in tags.all]
    assert names.count("script") == 1  # our own: there is no live part here
    assert "img" not in names
    assert tags.values("onerror") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (1024, "1024"),
        (60_000, "60,000"),
        (0.1 + 0.2, "0.3"),
        (0.98765, "0.9877"),
        (-0.0001234567, "−0.0001235"),
        (123456.7, "123,500"),
        (3.21e-15, "3.21×10⁻¹⁵"),
        (1e-12, "10⁻¹²"),
        (0.99999, "1"),
        (0.0, "0"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
        (None, "–"),
        ("a < b", "a &lt; b"),
    ],
)
def test_cells_have_four_significant_digits(value, text):
    assert cell(value) == text
