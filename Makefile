# `make` alone lists the targets. All but clean and help first make the environment in .venv; PYTHON chooses the interpreter.
PYTHON ?= python3.11
RUN = .venv/bin/python tfgen_cli.py
TEST = .venv/bin/python -m pytest -n 2

DEMO = --width 1/2 --epochs 32 --schedule linear
# The discriminator at half and the generator at twice the study's rate, both falling to 0: evenly matched, they get there in minutes.
RATES = $(if $(filter vae,$(MODEL)),,--d_learning_rate 1e-4 --g_learning_rate 4e-4)
MODEL = acgan

.PHONY: help env demo check test quality clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

env: .venv/done  ## make the environment in .venv, with the tools for development

demo: env  ## train MODEL=acgan, vae or gan on the built-in faces and draw its figures in report/
	$(RUN) train --model $(MODEL) $(DEMO) $(RATES) --run runs/demo-$(MODEL)
	$(RUN) report runs/demo-$(MODEL) --out report

check: env  ## lint, format, types, and the tests that trace no training step and start no process: under a minute
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(TEST) --dist loadfile -m "not slow and not trace"

test: env  ## every test but those that train for real: minutes
	$(TEST) --dist loadfile -m "not slow"

quality: env  ## the tests that train for real: minutes each
	$(TEST) -m slow

.venv/done: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:  ## remove the environment, builds and caches; runs and reports stay
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
