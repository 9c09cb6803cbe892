# make train                     train the digits recipe       (ARGS="--epochs 3" adds options)
# make test                      run the tests                 (ARGS="-k data" adds options)
# make test-all                  and those of more variants, kills and repetitions, as .ci/run does
# make train DEVICE=gpu:0        train on a GPU, with MXNet's CUDA build, in an environment of its own
# make test DEVICE=gpu           run the tests in that one     (ARGS="-m gpu": those that need a GPU)
# make readme                    follow the README word for word in an empty clone of the last commit
# PYTHON=python3.12 make train   chooses the Python, from 3.10 to 3.13
PYTHON ?= python3
RECIPE ?= digits
DEVICE ?= cpu
# DEVICE=auto may take a GPU where there is a driver; without one MXNet's CUDA build doesn't even open.
ifneq (,$(filter gpu%,$(DEVICE))$(and $(filter auto,$(DEVICE)),$(wildcard /dev/nvidiactl)))
LIST = requirements-gpu.txt
VENV ?= .venv-gpu
else
LIST = requirements.txt
VENV ?= .venv
endif
STAMP = $(VENV)/.installed
LOCK = --quiet --universal --python-version 3.10 --no-annotate --no-header

.PHONY: train test test-all readme venv lint docs font picture lock conformance-reference expect-python expect-gpu

train: expect-gpu venv
	$(VENV)/bin/mx-notes train --recipe $(RECIPE) --device $(DEVICE) $(ARGS)

test: venv
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

test-all: override ARGS += -m "long or not long"
test-all: test

readme:
	clone=$$(mktemp -d) && git clone --quiet . $$clone && $(MAKE) -C $$clone train && \
	$(MAKE) -C $$clone test-all ARGS=tests/test_readme.py && rm -rf $$clone

expect-python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or sys.exit("Python 3.10 to 3.13 is needed, $(PYTHON) is %d.%d: try PYTHON=python3.12 make" % v)'

# 4.5 GB are not installed for a GPU that MXNet can't use.
expect-gpu: expect-python
ifneq (,$(filter gpu%,$(DEVICE)))
	@$(PYTHON) -c 'import sys; from mx_notes.runtime import cuda; sys.exit(cuda.before_install("$(DEVICE)") or None)'
endif

# Builds the environment if it is missing, or older than the list, or of another Python.
venv: expect-python
	@version=$$($(PYTHON) -c 'import sys; print(sys.version)'; cat $(LIST) pyproject.toml); \
	if [ "$$version" != "$$(cat $(STAMP) 2>/dev/null)" ]; then \
		rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && \
		$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $(LIST) && \
		$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . && \
		printf '%s\n' "$$version" > $(STAMP); \
	fi

lint: venv
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# Written from the rules' own classes.
docs: venv
	$(VENV)/bin/python -m mx_notes.audit.report.handbook > docs/rules.md

# The Chinese signs of the note's page. The font is Debian's fonts-droid-fallback.
FONT ?= /usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf
font: venv
	$(VENV)/bin/python -m mx_notes.notes.page.subset_font $(FONT) > mx_notes/notes/page/chinese.css

# The picture of the README: the report's page of a program with a bug.
BROWSER ?= chromium
picture: venv
	mkdir -p build && cp tests/programs/bugs/gluon_softmax_before_softmax_loss.py build/train.py
	-cd build && ../$(VENV)/bin/mx-notes audit --html report.html train.py
	$(BROWSER) --headless --no-sandbox --hide-scrollbars --window-size=900,540 --screenshot=build/report.png file://$(CURDIR)/build/report.html
	$(VENV)/bin/python -c 'from PIL import Image; Image.open("build/report.png").convert("RGB").quantize(32).save("docs/report.png", optimize=True)'

# Records what tests/conformance expects, with MXNet 1.9.1 on the Python and NumPy of its day.
REFERENCE = .venv-reference
conformance-reference: PYTHON = python3.11
conformance-reference:
	@$(PYTHON) -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit("the reference needs Python 3.11: try make conformance-reference PYTHON=/path/to/python3.11")'
	test -d $(REFERENCE) || $(PYTHON) -m venv $(REFERENCE)
	$(REFERENCE)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-reference.txt
	$(REFERENCE)/bin/python tests/conformance/record.py

# Needs uv. Resolves requirements.in for every Python at once; the GPU list has the same versions.
lock:
	uv pip compile $(LOCK) --output-file requirements.txt requirements.in
	uv pip compile $(LOCK) --output-file requirements-gpu.txt --constraint requirements.txt --no-emit-package mxnet \
		requirements.in requirements-gpu.in
	uv pip compile $(LOCK) --output-file requirements-bench.txt --constraint requirements.txt requirements-bench.in
