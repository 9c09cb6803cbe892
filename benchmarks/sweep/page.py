"""docs/operators.md, written from what was measured."""

from __future__ import annotations

from typing import Any

from mx_notes.runtime import mends

HEAD = """# What MXNet computes wrong

Written by `python benchmarks/operators.py`, which called every operator of this build that can be called, Gluon's
layers and losses, the optimizers and the metrics, and held each against central differences in float64, NumPy, or its
formula. Nothing here is typed in: a line appears or goes when MXNet's answer changes. The same list, for programs:
`mx_notes/runtime/faults.json`.

{build}
"""


def page(data: dict[str, Any]) -> str:
    """The page from the data file's content."""
    faults, tried = data["faults"], data["tried"]
    lines = [HEAD.format(build=data["build"])]
    lines += [
        "## Tried",
        "",
        "| configuration | cases | comparisons | wrong in | refused by MXNet | end the process |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {n['cases']} | {n['comparisons']:,} | {n['wrong']} | {n['refused']} | {n['crashed']} |"
        for name, n in tried.items()
    ]
    lines += ["", *_words(data)]
    for title, chosen in _groups(faults):
        if chosen:
            lines += [
                "",
                f"## {title}",
                "",
                "| call | wrong | when | gives / right, at worst | cure | `--mend` |",
                "| --- | --- | --- | --- | --- | --- |",
            ]
            lines += [_row(each) for each in chosen]
    lines += ["", "## What `mend` puts right", ""]
    lines += ["| mend | what | where the fault is in MXNet's source |", "| --- | --- | --- |"]
    lines += [f"| `{each.name}` | {each.what} | {each.file} |" for each in mends.available()]
    lines += [
        "",
        "## Without a fault",
        "",
        f"{len(data['right'])} cases were right in everything that was compared. Operators in them that are in no faulty case: {', '.join(f'`{name}`' for name in data['operators_right'])}.",
    ]
    lines += [
        "",
        "## Not compared",
        "",
        "Operators of the registry that no case reaches: "
        + ", ".join(f"`{name}`" for name in data["operators_not_called"])
        + ".",
    ]
    lines += [
        "",
        "Cases that MXNet refuses, with its reason:",
        "",
        *[f"- `{name}`: {reason}" for name, reason in data["refused"].items()],
    ]
    return "\n".join(lines).rstrip() + "\n"


def _words(data: dict[str, Any]) -> list[str]:
    return [
        "A gradient is asked for with `write` and `add` of all inputs (two passes into a buffer that holds 0.25), of each input alone, and",
        "of all but one. The roads: imperative, hybridised, static (`static_alloc`, `static_shape`), executor (as Module binds it), and nine uses",
        "(the operator called nine times on one array under `static_alloc`, equal calls kept apart: MXNet adds in place from eight on).",
        "`oneDNN off` and `2 threads` are in float32, `2 threads` the tables alone, imperative and static; `mended` has called `mx_notes.runtime.mend()` and repeats",
        "what is wrong elsewhere, `mended, tables` the whole tables, imperative in float32. A case that ends its process is run again road by road.",
        f"{data['operators_tried']} of {data['operators_all']} operators were compared.",
    ]


def _groups(faults: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    def group(fault: dict[str, Any]) -> str:
        if fault["what"] == ["crash"]:
            return "Ends the process"
        if "gradient" not in fault["what"]:
            return "Values, optimizers, metrics"
        if fault["mostly"] == "add":
            return "Gradients under grad_req='add', or used eight times and more"
        if fault["mostly"] == "alone":
            return "Gradients where another input has none"
        return "Gradients"

    titles = [
        "Gradients",
        "Gradients where another input has none",
        "Gradients under grad_req='add', or used eight times and more",
        "Values, optimizers, metrics",
        "Ends the process",
    ]
    return [(title, [each for each in faults if group(each) == title]) for title in titles]


def _row(fault: dict[str, Any]) -> str:
    worst = fault.get("worst")
    numbers = f"{_number(worst['got'])} / {_number(worst['right'])}" if worst else ""
    what = ", ".join(fault["what"]) + (f" of {', '.join(fault['of'])}" if fault["of"] else "")
    when = "always" if fault["always"] else "; ".join(", ".join(values) for values in fault["when"].values())
    if fault.get("crashed"):
        roads = {road for each in fault["crashed"].values() for road in each}
        when += f"; ends the process: {', '.join(sorted(roads))}"
    cure = "; ".join(f"`{each}`" for each in fault["cures"]) or "none found"
    cells = [f"`{fault['case']}`", what, when, numbers, cure, _mended(fault)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _mended(fault: dict[str, Any]) -> str:
    if fault["mended"]:
        return "right"
    return ", ".join(["right:", *fault["mended_on"]]).replace(":,", ":") if fault["mended_on"] else "–"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
