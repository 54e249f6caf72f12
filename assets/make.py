"""Makes the pictures of this folder from the built-in faces and the figures of `make demo`: python assets/make.py [REPORT]"""

import pathlib
import sys

import numpy as np
from PIL import Image

from tfgen import figures
from tfgen.data.builtin import faces

here = pathlib.Path(__file__).parent
report = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "report")

images, _ = faces.draw(0, 64)
Image.fromarray(figures.sheet(images / np.float32(255), 16)).save(here / "faces.png", optimize=True)
for path in sorted(report.glob("fig[123]_*.jpg")):
    figure = Image.open(path)
    figure.resize((1000, 1000 * figure.height // figure.width), Image.Resampling.LANCZOS).save(here / f"demo_{path.name}", quality=88)
