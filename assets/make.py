"""Brings a report's page and some of its figures into this folder, and draws the built-in faces: python assets/make.py
[REPORT [demo]]

With `demo` only the pictures of README that `make demo` makes, from the report of its runs.
"""

import pathlib
import shutil
import sys

import numpy as np
from PIL import Image

from tfgen import figures
from tfgen.data.builtin import faces

here = pathlib.Path(__file__).parent
report = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "report")

images, _ = faces.paint(0, 64)
Image.fromarray(figures.sheet(images / np.float32(255), 16)).save(here / "faces.png", optimize=True)
if "demo" in sys.argv:
    shown = ("acgan_pairs", "acgan_curves", "vae_reconstructions", "since2018")
    names = [f"modern_{name}.jpg" for name in shown]
    chosen = {report / name: f"demo_{name}" for name in names if (report / name).exists()}
else:
    shutil.copyfile(report / "index.html", here / "report.html")
    chosen = {report / name: name for name in ("sullivan2017_depth_wgan_depth.jpg",) if (report / name).exists()}
for path, name in chosen.items():
    figure = Image.open(path)
    figure.resize((1000, 1000 * figure.height // figure.width), Image.Resampling.LANCZOS).save(here / name, quality=88)
