"""The page in a real browser: its live parts show Python's numbers, it loads nothing, it fits a phone."""

import numpy as np
import pytest
from browser import needs_browser, opened, wrong_with

from mx_notes.notes.claims._momentum_bowls import descend
from mx_notes.notes.claims.softmax import gradient, loss, naive_softmax, softmax
from mx_notes.notes.page.render import html

pytestmark = [pytest.mark.slow, needs_browser]
# Both sides compute in float64 with the same formulas; exp and log may differ by a few last bits.
TOLERANCE = {"rtol": 1e-13, "atol": 1e-15}

WATCH = """<script>
const seen = document.documentElement.dataset;
addEventListener("error", (event) => { seen.error = event.message; });
addEventListener("securitypolicyviolation", (event) => { seen.blocked = event.blockedURI; });
addEventListener("load", () => {
  seen.loaded = performance.getEntriesByType("resource").map((entry) => entry.name).join(" ");
});
</script>"""
USE = """<script>
const field = document.getElementById("softmax-logits");
field.value = "2 4";
field.dispatchEvent(new Event("input"));
document.querySelector("button[data-change=add]").click();
document.querySelectorAll("#softmax-rows input")[0].click();
seen.address = location.hash;
</script>"""


@pytest.fixture(scope="module")
def see(record, tmp_path_factory):
    """Open the page at an address of its state, with more scripts at its end, and return what is seen."""
    folder = tmp_path_factory.mktemp("browser")
    page = html(record, folder).replace("<head>", f"<head>{WATCH}", 1)

    def see(state="", script=""):
        (folder / "index.html").write_text(page.replace("</body>", f"{script}</body>"))
        return opened(folder / "index.html", state)

    return see


@pytest.mark.parametrize(
    ("logits", "true_class"),
    [([1, 5, 3], 1), ([-2.5, 0, 0.125, 7], 3), ([1000, 999, 998], 0), ([-1000, 0], 0)],
)
def test_softmax_shows_pythons_numbers(see, logits, true_class):
    seen = see(f"#softmax={','.join(map(str, logits))}&true={true_class}")
    shown = {
        name: [seen.number(f"softmax-{name}-{i}") for i in range(len(logits))]
        for name in ("probability", "gradient")
    }
    np.testing.assert_allclose(shown["probability"], softmax(logits), **TOLERANCE)
    np.testing.assert_allclose(shown["gradient"], gradient(logits, true_class), **TOLERANCE)
    np.testing.assert_allclose(seen.number("softmax-loss"), loss(logits, true_class), **TOLERANCE)
    naive = [float(value) for value in seen.data["softmax-naive"]["value"].split()]
    np.testing.assert_allclose(naive, naive_softmax(logits, np.float64), **TOLERANCE)


@pytest.mark.parametrize(("mu", "rate"), [(0.9, 0.03), (0.44, 0.111), (0.0, 0.05), (0.99, 0.16)])
def test_momentum_shows_pythons_path(see, mu, rate):
    seen = see(f"#mu={mu}&rate={rate}")
    for name, momentum in (("momentum-heavy", mu), ("momentum-plain", 0.0)):
        end = descend(momentum, rate, 60)[-1]
        # The same sums and products in the same order; only the distance's square root may be rounded otherwise.
        assert [float(value) for value in seen.data[name]["end"].split()] == list(end)
        np.testing.assert_allclose(seen.number(name), np.hypot(*end), **TOLERANCE)


def test_typing_and_clicking_change_the_numbers_and_the_address(see):
    seen = see(script=USE)
    assert seen.data["html"]["address"] == "#softmax=1002,1004&true=0"
    np.testing.assert_allclose(seen.number("softmax-loss"), loss([2, 4], 0), **TOLERANCE)
    assert seen.data["softmax-naive"]["value"] == "NaN NaN"


@pytest.mark.parametrize("state", ["", "#softmax=one,5&true=9&mu=x&rate=", "#softmax=&true=-1", "#softmax"])
def test_nothing_is_loaded_and_no_script_fails(see, state):
    seen = see(state)
    assert seen.data["html"] == {"loaded": ""}
    assert np.isfinite(
        [seen.number(name) for name in ("softmax-loss", "momentum-heavy", "momentum-plain")]
    ).all()


GUESS = """<script>
const [wrong, right] = document.querySelectorAll("#softmax .answers button");
wrong.click();
seen.wrong = document.querySelector("#softmax [role=status]").textContent;
right.click();
seen.right = document.querySelector("#softmax [role=status]").textContent;
seen.open = document.getElementById("softmax-verdict").open + " " + document.getElementById("resnet-table-verdict").open;
document.getElementById("show-all").click();
seen.all = document.getElementById("resnet-table-verdict").open;
</script>"""


def test_a_guess_opens_the_verdict_and_says_whether_it_was_right(see, record):
    seen = see(script=GUESS).data["html"]
    decided = record.results[1].outcome.evidence.deciding
    assert seen["wrong"] == f"Not what was measured. {decided}"
    assert seen["right"] == f"Right. {decided}"
    assert (seen["open"], seen["all"]) == ("true false", "true")


# Narrow and wide, light and dark, each once: colours don't depend on the width.
@pytest.mark.parametrize(("width", "dark"), [(400, True), (1200, False)])
def test_everything_can_be_read_by_everyone(record, tmp_path, width, dark):
    assert wrong_with(html(record, tmp_path), tmp_path, width, dark) == []
