"""Films assets/explorer.html: python assets/explorer.py writes explorer.webp beside it.

It needs Chromium, chromedriver and selenium. The first sliders, that of the condition and those of two directions, go
to both ends and back.
"""

import io
import math
import pathlib

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By

here = pathlib.Path(__file__).parent
WIDTH, HEIGHT, FRAMES = 1000, 520, 14

options = webdriver.ChromeOptions()
for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
    options.add_argument(argument)
browser = webdriver.Chrome(options=options)
size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
browser.get((here / "explorer.html").resolve().as_uri() + "#seed=8")
DRAWN = (
    "const done = arguments[arguments.length - 1]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)));"
)
browser.execute_async_script(
    "const done = arguments[0];"
    "const look = () => window.tfgen && window.tfgen.ready ? done(1) : setTimeout(look, 50); look();"
)

frames = []
for slider in browser.find_elements(By.CSS_SELECTOR, "#controls input[type=range]")[:3]:
    low, high, start = (float(slider.get_attribute(name)) for name in ("min", "max", "value"))
    for i in range(FRAMES):
        if low <= start - 1e-9 and start < high:  # from where it is to one end, to the other, and back
            share = math.sin(2 * math.pi * i / FRAMES)
            value = start + share * (high - start if share > 0 else start - low)
        else:
            value = start + (low + high - 2 * start) * (0.5 - 0.5 * math.cos(2 * math.pi * i / FRAMES))
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}));",
            slider,
            value,
        )
        browser.execute_async_script(DRAWN)
        frames.append(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB"))
browser.quit()
frames[0].save(
    here / "explorer.webp", save_all=True, append_images=frames[1:], duration=120, loop=0, quality=60, method=6
)
print(here / "explorer.webp", (here / "explorer.webp").stat().st_size)
