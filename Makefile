# `make` alone lists the targets. All targets except clean and help first create the environment in .venv; PYTHON selects the interpreter.
PYTHON ?= python3.11
RUN = .venv/bin/python tfgen_cli.py
TEST = .venv/bin/python -m pytest -n 2

# With the environment, the faces and the figures, ten minutes.
DEMO = --minutes 7 --schedule linear
MODEL = acgan

.PHONY: help env demo docs lint check test quality long clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

env: .venv/done  ## create the environment in .venv, with development tools

demo: env  ## train MODEL=acgan, vae or gan on the built-in faces and draw its figures in report/
	$(RUN) train --study modern --model $(MODEL) $(DEMO) --run runs/demo-$(MODEL)
	$(RUN) report runs/demo-$(MODEL) --out report
	$(RUN) explore runs/demo-$(MODEL) --out report/explorer.html

docs: env  ## build the documentation as a site in site/
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict

lint: env  ## style, format and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

check: lint  ## lint and the quick tests: a few minutes
	$(TEST) --dist loadfile -m "not slow and not trace"

test: env  ## all tests except those that train for minutes
	$(TEST) --dist loadfile -m "not slow"

quality: env  ## the tests that train for minutes each
	$(TEST) -m "slow and not long"

long: env  ## the tests that train for many minutes each: one to two hours
	$(TEST) -m long

.venv/done: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:  ## remove the environment, builds and caches; keep runs and reports
	rm -rf .venv build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
