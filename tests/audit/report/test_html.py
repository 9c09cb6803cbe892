"""The audit's HTML report: what a reader finds there, and what the timeline shows."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from audited import audited
from browser import needs_browser, wrong_with

from mx_notes import audit
from mx_notes.audit.rules import rules
from mx_notes.runtime import mx

PROGRAMS = Path(__file__).parents[2] / "programs"
WRONG = PROGRAMS / "bugs" / "gluon_mean_loss_stepped_by_batch_size.py"
RIGHT = PROGRAMS / "healthy" / "module_forward_backward_update.py"


def drawing(page: str) -> ElementTree.Element:
    """The timeline; parsing it also shows that it is well-formed."""
    return ElementTree.fromstring(re.search(r'<svg role="img".*?</svg>', page, re.DOTALL)[0])


def rows(page: str) -> list[ElementTree.Element]:
    return drawing(page).findall("g")


def marks(row: ElementTree.Element) -> list[str]:
    return [mark.find("title").text for mark in row.findall("g")]


def texts(row: ElementTree.Element) -> list[str]:
    return [text.text for text in row.iter("text")]


def visible(page: str) -> str:
    """The page as text, in the order of reading."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def train(network, batches: int, passes: int = 1):
    """A right Gluon loop: every update of the mean over `passes` micro-batches of 4."""
    parameters = network.collect_params()
    network.initialize(mx.init.Xavier())
    parameters.setattr("grad_req", "add")
    trainer = mx.gluon.Trainer(parameters, "sgd", {"learning_rate": 0.01})
    loss_of = mx.gluon.loss.L2Loss()
    for _ in range(batches):
        for _ in range(passes):
            with mx.autograd.record():
                loss = loss_of(network(mx.nd.random.normal(shape=(4, 3))), mx.nd.random.normal(shape=(4, 1)))
            loss.backward()
        trainer.step(4 * passes)
        parameters.zero_grad()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report on a program with an error, as the command writes it."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    command = [sys.executable, "-m", "mx_notes", "audit", "--html", str(file), str(WRONG)]
    assert subprocess.run(command, cwd=file.parent, capture_output=True).returncode == 1
    return file.read_text(encoding="utf-8")


def test_the_command_writes_findings_with_their_line_first(report):
    text = visible(report)
    source = WRONG.read_text().splitlines()
    line = next(n for n, code in enumerate(source, 1) if code.strip().startswith("trainer.step("))
    assert "1 error in 84 steps" in text
    assert f"{WRONG}:{line}" in text
    assert source[line - 1].strip() in text
    assert "either average the loss, or let the optimiser divide" in text
    assert f"MXNet {mx.__version__}" in text
    parts = [
        text.index(f" {heading} ") for heading in ("Findings", "Rules", "Calls per step", "The first steps")
    ]
    assert parts == sorted(parts)
    for rule in rules():
        assert rule in text
    assert re.search(r"mean-loss . error found", text)
    assert re.search(r"backward-once . held on 84 steps", text)
    assert re.search(r"gradient-carryover . nothing to check", text)


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(400, True), (1200, False)])
def test_everything_can_be_read_by_everyone(report, tmp_path, width, dark):
    assert wrong_with(report, tmp_path, width, dark) == []


def test_a_right_program_is_told_what_was_not_checked():
    watch = audited(RIGHT, max_steps=5)
    text = visible(watch.to_html())
    assert "Nothing found in 5 steps" in text
    held = text.count("held on ")
    assert f"{held} of {len(rules())} rules held. {len(rules()) - held} had nothing to check" in text
    assert re.search(r"Steps with 1 forward 5 backward 5 update 5 ", text)


def test_it_loads_nothing_and_runs_no_script():
    watch = audited(WRONG, max_steps=3)
    page = watch.to_html()
    assert not re.search(
        r"https?:|<script|<link(?! rel=\"icon\" href=\"data:,\")|<i?frame|@import|url\(", page
    )
    assert not re.search(r"\s(src|srcset|on\w+)=", page)
    assert "default-src 'none'" in page
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert all(set(names.split()) <= set(ids) for names in re.findall(r'aria-labelledby="([^"]*)"', page))


@pytest.mark.parametrize(
    "program",
    [
        "healthy/gluon_accumulation",
        "healthy/gluon_dcgan",
        "healthy/module_gan",
        "healthy/module_two_devices",
        "healthy/module_bucketing",
        "bugs/executor_evaluates_in_training_mode",
        "bugs/module_accumulation_with_write",
    ],
)
def test_the_marks_of_a_step_stand_for_all_of_its_events(program):
    watch = audited(PROGRAMS / f"{program}.py", max_steps=20)
    drawn = rows(watch.to_html())
    assert len(drawn) == len(watch.summary().first_steps) == 12
    for step, row in zip(watch.summary().first_steps, drawn, strict=True):
        assert f"step {step.number}" in texts(row)
        assert sum(int(mark.get("data-events")) for mark in row.findall("g")) == len(step.events)
        for kind in ("forward", "backward"):
            drawn_of_kind = [
                int(mark.get("data-events"))
                for mark in row.findall("g")
                if mark.find("title").text.startswith(kind)
            ]
            assert sum(drawn_of_kind) == sum(event.kind.value == kind for event in step.events)


def test_events_stand_in_their_order_and_updates_are_one_mark():
    with audit() as watch:
        train(mx.gluon.nn.Dense(1), batches=1, passes=2)
    page = watch.to_html()
    (row,) = rows(page)
    once = ["forward", "backward"]
    assert marks(row) == [*once, *once, "2 parameter updates"]
    assert "update ×2" in texts(row)
    lefts = [
        float(re.search(r"\d+\.?\d*", mark[1].get("d") or mark[1].get("x"))[0]) for mark in row.findall("g")
    ]
    assert lefts == sorted(lefts)
    words = "Step 1, sampled: forward, backward, forward, backward, 2 parameter updates"
    assert words in visible(page)
    assert words in drawing(page).find("desc").text
    assert re.search(r"Steps with 1 2 forward – 1 backward – 1 update 1 – micro-batches – 1", visible(page))


def test_executors_get_names_and_lines_of_their_own():
    watch = audited(PROGRAMS / "healthy" / "module_two_devices.py", max_steps=2)
    row = rows(watch.to_html())[0]
    assert {"executor 1", "executor 2"} <= set(texts(row))
    assert "executor 3" not in texts(row)
    middles = {text.text: text.get("y") for text in row.findall("text")}
    assert middles["executor 1"] != middles["executor 2"]


def test_forward_passes_for_inference_look_different():
    output = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1)
    symbol = mx.sym.LinearRegressionOutput(output, mx.sym.var("label"))
    data = mx.io.NDArrayIter(mx.nd.random.normal(shape=(4, 3)), mx.nd.zeros((4, 1)), 4, label_name="label")
    module = mx.mod.Module(symbol, label_names=["label"])
    module.bind(data.provide_data, data.provide_label)
    module.init_params()
    module.init_optimizer()
    with audit() as watch:
        batch = next(data)
        module.forward_backward(batch)
        module.update()
        for _ in range(3):
            module.forward(batch, is_train=False)
    (row,) = rows(watch.to_html())
    assert marks(row) == ["forward", "backward", "2 parameter updates", "forward in inference mode ×3"]
    assert [mark[1].get("class") for mark in row.findall("g")] == [
        "training",
        "backward",
        "update",
        "inference",
    ]


def test_a_step_of_very_many_events_is_cut_and_says_so():
    with audit() as watch:
        train(mx.gluon.nn.Dense(1), batches=1, passes=30)
    (row,) = rows(watch.to_html())
    drawn = sum(int(mark.get("data-events")) for mark in row.findall("g"))
    assert f"+ {len(watch.summary().first_steps[0].events) - drawn} more" in texts(row)


def test_a_finding_is_marked_on_each_step_on_which_it_was_seen():
    program = PROGRAMS / "bugs" / "gluon_two_losses_two_backwards.py"
    watch = audited(program, max_steps=4)
    page = watch.to_html()
    # In the first step the pass that is overwritten may have been a dry run.
    assert ["✕ backward-once" in texts(row) for row in rows(page)] == [False, True, True, True]
    assert "on 3 steps, first on step 2" in visible(page)


def test_a_finding_about_the_run_stands_on_no_step():
    watch = audited(PROGRAMS / "bugs" / "gluon_layers_in_a_python_list.py")
    page = watch.to_html()
    assert "frozen-parameter seen over the whole run" in visible(page)
    assert not [text for row in rows(page) for text in texts(row) if "frozen" in text]


def test_the_first_steps_outlast_the_latest():
    with audit() as watch:
        train(mx.gluon.nn.Dense(1), batches=1005)
    assert watch.steps[0].number > 1
    assert [texts(row)[0] for row in rows(watch.to_html())] == [f"step {n}" for n in range(1, 13)]


def test_names_messages_and_source_are_escaped(tmp_path):
    program = tmp_path / "<script>&'.py"
    # A name and a line of source with markup in them, and a bug: nothing clears the added gradients.
    program.write_text(
        """
import mxnet as mx
net = mx.gluon.nn.Dense(1, prefix="<script>alert(1)</script>")
net.initialize()
net.collect_params().setattr("grad_req", "add")
trainer = mx.gluon.Trainer(net.collect_params(), "sgd")
for _ in range(3):
    with mx.autograd.record():
        loss = mx.gluon.loss.L2Loss()(net(mx.nd.ones((4, 3))), mx.nd.ones((4, 1)))
    loss.backward()
    trainer.step(4)  # </code><script>alert(2)</script>
"""
    )
    watch = audited(program)
    assert any("<script>" in finding.message for finding in watch.errors)
    page = watch.to_html()
    assert "<script" not in page
    for escaped in (
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "trainer.step(4)  # &lt;/code&gt;&lt;script&gt;alert(2)&lt;/script&gt;",
        "&lt;script&gt;&amp;&#39;.py:11",
    ):
        assert escaped in page


def test_a_program_that_is_gone_is_named_without_its_lines(tmp_path, monkeypatch):
    (tmp_path / "beside").mkdir()
    monkeypatch.chdir(tmp_path / "beside")  # from where "../train.py" would be shorter
    program = tmp_path / "train.py"
    program.write_text(WRONG.read_text())
    watch = audited(program, max_steps=3)
    program.unlink()
    page = watch.to_html()
    assert f"{program}:{watch.errors[0].line}" in page
    assert "<pre" not in page


def test_a_program_that_does_not_train_gets_a_page_too(mx_notes_command, tmp_path):
    (tmp_path / "script.py").write_text("print('hello')")
    assert mx_notes_command("audit", "--html", "report.html", "script.py").returncode == 1
    text = visible((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "nothing-trained" in text
    assert "the script ended without opening it" in text


def test_a_page_that_cannot_be_written_is_one_line_and_status_2(mx_notes_command, tmp_path):
    (tmp_path / "script.py").write_text("")
    result = mx_notes_command("audit", "--html", "nowhere/report.html", "script.py")
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert (
        last
        == "mx-notes: --html nowhere/report.html: cannot be written; name a file in a folder that is there"
    )


def test_sampled_steps_have_a_dot_and_the_others_do_not():
    watch = audited(PROGRAMS / "healthy" / "gluon_step_batch.py", max_steps=20)
    page = watch.to_html()
    drawn = [row.find("circle") is not None for row in rows(page)]
    assert drawn == [step.sampled for step in watch.summary().first_steps]
    assert True in drawn and False in drawn
    assert "<li>Step 1, sampled: " in page and "<li>Step 5: " in page
