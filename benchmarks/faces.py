"""How many built-in faces are drawn per second on one core: python benchmarks/faces.py"""

import os
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from tfgen.data.builtin import faces

ROUNDS, N = 10, 512

rates = []
for number in range(ROUNDS):
    began = time.perf_counter()
    faces.paint(number * N, (number + 1) * N)
    rates.append(N / (time.perf_counter() - began))
print(
    f"64x64 faces per second on one core, {ROUNDS} rounds of {N}: median {sorted(rates)[ROUNDS // 2]:.0f}, from "
    f"{min(rates):.0f} to {max(rates):.0f}"
)
