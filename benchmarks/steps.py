"""Seconds a training iteration of every preset, side by side: python benchmarks/steps.py [ITERATIONS]"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tfgen import data
from tfgen.data.batches import batches
from tfgen.studies import STUDIES

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 30
source = data.load("faces", "train", examples=512)
for study, presets in STUDIES.items():
    for name, preset in presets.items():
        model = preset.build((64, 64, 3))
        selected = source.select(preset.attributes)
        model.fit(batches(selected, preset.batch_size, stop=3), epochs=1, verbose=0, shuffle=False)  # tracing
        began = time.perf_counter()
        model.fit(batches(selected, preset.batch_size, stop=iterations), epochs=1, verbose=0, shuffle=False)
        seconds = (time.perf_counter() - began) / iterations
        print(f"{study:10s} {name:8s} batch {preset.batch_size}: {seconds:.3f} s an iteration, {preset.batch_size / seconds:.0f} images/s", flush=True)
