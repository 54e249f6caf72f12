"""Seconds per training iteration of each model of a study: python benchmarks/steps.py [ITERATIONS [STUDY]]"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tfgen import data
from tfgen.data.batches import batches
from tfgen.studies import STUDIES

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 30
study = sys.argv[2] if len(sys.argv) > 2 else "dlcv2018"
for name, preset in STUDIES[study].items():
    found = data.dataset(preset.data)
    source = data.load(preset.data, "train", examples=max(512, 5 * preset.batch_size)).select(preset.attributes)
    model = preset.build((found.image_size, found.image_size, found.channels))
    per_step = model.batches_per_step
    for stop in (2, iterations):  # the first call traces the step
        began = time.perf_counter()
        steps = batches(source, preset.batch_size, stop=stop, per_step=per_step)
        model.fit(steps, epochs=1, verbose=0, shuffle=False)
    seconds = (time.perf_counter() - began) / iterations
    print(
        f"{study} {name:16s} batch {preset.batch_size}: {seconds:.3f} s an iteration, "
        f"{per_step * preset.batch_size / seconds:.0f} images/s",
        flush=True,
    )
