# make demo     trains the ACGAN (or MODEL=vae, gan) on the built-in faces and draws its figures in report/
# make test     the quick tests;  make quality  those that train for real, minutes each
# Each makes the environment in .venv first.
PYTHON ?= python3.11
RUN = .venv/bin/python tfgen_cli.py

DEMO = --width 1/2 --epochs 32 --schedule linear
# The discriminator at half and the generator at twice the study's rate, both falling to 0: evenly matched, they get there in minutes.
RATES = $(if $(filter vae,$(MODEL)),,--d_learning_rate 1e-4 --g_learning_rate 4e-4)
MODEL = acgan

.PHONY: demo test quality env clean

demo: env
	$(RUN) train --model $(MODEL) $(DEMO) $(RATES) --run runs/demo-$(MODEL)
	$(RUN) report runs/demo-$(MODEL) --out report

test: env
	.venv/bin/python -m pytest -m "not slow" -n 2

quality: env
	.venv/bin/python -m pytest -m slow -n 2

env: .venv/done

.venv/done: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache
