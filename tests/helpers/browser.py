"""Pages in headless Chromium: what scripts have left in their elements, and what axe-core finds wrong with them."""

import json
import os
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium: apt-get install chromium")

# Opens all that is folded, then asks axe for what WCAG 2.1 A and AA want, contrast among it.
JUDGE = """<script>
const wrong = [];
addEventListener("error", (event) => wrong.push(event.message));
addEventListener("securitypolicyviolation", (event) => wrong.push("blocked: " + event.blockedURI));
console.error = (...said) => wrong.push(said.join(" "));
addEventListener("load", async () => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"] };
  for (const { id, nodes } of (await axe.run(document, rules)).violations)
    wrong.push(`${id}: ${nodes.length} × ${nodes[0].target} ${nodes[0].failureSummary}`);
  if (document.documentElement.scrollWidth > innerWidth)
    wrong.push(`${document.documentElement.scrollWidth} pixels wide on a screen of ${innerWidth}`);
  parent.postMessage(JSON.stringify(wrong), "*");
});
</script>"""
# A frame, for a window of its own is never narrower than 500 pixels.
FRAME = """<!doctype html><script>
addEventListener("message", (event) => { document.documentElement.dataset.wrong = event.data; });
</script><iframe src="judged.html" style="width: WIDTHpx; height: 800px; border: 0"></iframe>"""


class Seen(HTMLParser):
    """The data-* attributes that scripts left, by the element's id, or by its name if it has none."""

    def __init__(self, text):
        super().__init__()
        self.data = {}
        self.feed(text)

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        self.data[attributes.get("id", name)] = {
            key[5:]: value for key, value in attributes.items() if key.startswith("data-")
        }

    def number(self, name):
        return float(self.data[name]["value"])


def opened(file: Path, state: str = "", dark: bool = False) -> Seen:
    """Open a page, at an address of its state, in the light or the dark scheme; returns what is seen then."""
    command = [BROWSER, "--headless", "--disable-gpu", "--hide-scrollbars", "--window-size=1300,900"]
    command += [f"--user-data-dir={file.parent / 'profile'}"]
    command += ["--no-sandbox"] * (os.geteuid() == 0)
    command += ["--blink-settings=preferredColorScheme=0"] * dark
    # Virtual time waits for nothing that is idle, and stops only with all scripts done.
    command += [
        "--allow-file-access-from-files",
        "--virtual-time-budget=20000",
        "--dump-dom",
        f"file://{file}{state}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return Seen(done.stdout)


def wrong_with(page: str, folder: Path, width: int, dark: bool) -> list[str]:
    """Say what is wrong with a page on a screen so wide: faults by axe, errors of scripts, text that is cut off."""
    axe = files("axe_core_python").joinpath("axe.min.js").read_text()
    # Before the page's own policy, which may allow no script.
    head = f"<head><script>{axe}</script>{JUDGE}"
    (folder / "judged.html").write_text(page.replace("<head>", head, 1))
    (folder / "frame.html").write_text(FRAME.replace("WIDTH", str(width)))
    return json.loads(opened(folder / "frame.html", dark=dark).data["html"]["wrong"])
