"use strict";
// Guess before you look: an answer opens the verdict and says whether it was right. Without this script the
// verdicts still open by themselves: they are <details>.

for (const guess of document.querySelectorAll(".guess")) {
  const verdict = document.getElementById(guess.dataset.verdict);
  const buttons = [...guess.querySelectorAll("button")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const each of buttons) {
        each.setAttribute("aria-pressed", each === button);
        each.classList.toggle("right", "right" in each.dataset);
      }
      const told = "right" in button.dataset ? "Right." : guess.dataset.otherwise;
      guess.querySelector("[role=status]").textContent = `${told} ${guess.dataset.decided}`;
      verdict.open = true;
    });
  }
}

const verdicts = document.querySelectorAll("details.answer");
const all = document.getElementById("show-all");
all.hidden = false;
all.addEventListener("click", () => verdicts.forEach((verdict) => { verdict.open = true; }));
addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((each) => { each.open = true; }));

// The contents: the claim in view is marked, and the menu of a narrow screen closes behind a choice.
const menu = document.querySelector(".menu");
menu.addEventListener("click", (event) => { if (event.target.closest("a")) menu.open = false; });
const entries = new Map([...document.querySelectorAll(".contents a")].map((entry) => [entry.hash.slice(1), entry]));
const inView = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) continue;
    for (const entry of entries.values()) entry.removeAttribute("aria-current");
    entries.get(target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-20% 0px -70% 0px" });
document.querySelectorAll("article").forEach((article) => inView.observe(article));
