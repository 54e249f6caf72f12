"""The page that generates in the browser: its numbers against Keras's, every control, both widths, and its size."""

import json
import pathlib
import re

import keras
import numpy as np
import pytest

from tfgen import UserError, explorer, latents, noise
from tfgen.explorer import page
from tfgen.studies import STUDIES

# One preset of each family of networks, and how its latents are given.
FAMILIES = [
    ("dlcv2018", "vae"), ("dlcv2018", "acgan"), ("dlcv2018", "infogan_mixed"), ("sullivan2017", "gan"),
    ("sullivan2017", "vae"), ("sullivan2017", "depth_wgan"), ("csi5340", "vae"), ("csi5340", "gan"),
    ("csi5340", "wgan_long"), ("pegasus", "vae_gan"), ("pegasus", "acai"), ("digits", "vae"), ("digits", "gan"),
    ("digits", "cgan"), ("modern", "vae"), ("modern", "acgan"),
    ("modern", "cgan"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def opened(browser, path, address="", width=1280, dark=False):
    """Opens the page, and waits until it has generated."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(pathlib.Path(path).resolve().as_uri() + address)
    wait(browser, "return window.tfgen && window.tfgen.ready")


def wait(browser, script):
    """Until the script gives something true, and the page has drawn twice."""
    assert browser.execute_async_script(
        f"const done = arguments[0], test = () => {{ {script} }};"
        "const look = (left) => test() ? requestAnimationFrame(() => requestAnimationFrame(() => done(true)))"
        ": left ? setTimeout(look, 20, left - 1) : done(false); look(1000);"
    ), browser.get_log("browser")


def shown(browser):
    """The large picture as bytes of RGBA."""
    return browser.execute_script(
        "const c = document.querySelector('#picture canvas:last-of-type');"
        "return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].join()"
    )


def complaints(browser):
    """What the console says, and what the page has requested from anywhere but itself."""
    requested = browser.execute_script(
        "return performance.getEntriesByType('resource').map((one) => one.name)"
        ".filter((name) => !/^(data|blob):/.test(name))"
    )
    return [entry["message"] for entry in browser.get_log("browser")] + requested


def trained_statistics(model):
    """Moving statistics and weights as after training: none is at its simple first value."""
    random = np.random.default_rng(0)
    for network in model.networks().values():
        for variable in network.weights:
            value = variable.numpy()
            if variable.name in ("gamma", "moving_variance"):
                variable.assign(random.uniform(0.5, 1.5, value.shape))
            elif variable.name in ("beta", "moving_mean", "bias"):
                variable.assign(random.normal(0, 0.2, value.shape))


@pytest.mark.trace
@pytest.mark.parametrize("study, model", FAMILIES)
def test_pictures_are_those_of_keras(browser, finished, study, model):
    """Of 8 latents, and of 8 encoded pictures: at most 2 of 255 apart, as the weights are in half precision."""
    side = 32 if study in ("sullivan2017", "csi5340") or model == "acai" else 16
    run = finished("r", study, model, image_size=side, batch_size=4)
    trained_statistics(run.model)
    explorer.explore(run, pathlib.Path("r.html"))
    opened(browser, "r.html")
    random, network = np.random.default_rng(1), run.model
    generator = network.networks().get("generator") or network.networks()["decoder"]
    names = [tensor.name for tensor in generator.inputs]
    inputs = {t.name: random.normal(size=(8, *t.shape[1:])).astype(np.float32) for t in generator.inputs}
    if "codes" in inputs:
        inputs["codes"] = random.uniform(size=inputs["codes"].shape).astype(np.float32)
    if "image" in inputs:
        inputs["image"] = run.source("test").floats(slice(8))
    keras_pictures = np.asarray(generator(inputs if len(names) > 1 else inputs[names[0]], training=False))
    for i in range(8):
        given = {name: np.ravel(values[i]).tolist() for name, values in inputs.items()}
        script = "return Array.from(Object.values(tfgen.compute(tfgen.content.generator, arguments[0]))[0])"
        ours = np.array(browser.execute_script(script, given))
        assert np.abs(ours - keras_pictures[i].ravel()).max() < 2 / 255
    if "encoder" in network.networks():
        images = run.source("test").floats(slice(8))
        codes = network.encode(images)["mean"]
        for image, code in zip(images, codes, strict=True):
            ours = browser.execute_script("return Array.from(tfgen.encode(arguments[0]))", image.ravel().tolist())
            assert np.abs(np.array(ours) - code.ravel()).max() < 0.02 * max(1.0, np.abs(code).max())
    assert complaints(browser) == []


@pytest.mark.trace
@pytest.mark.parametrize("study, model", [
    ("dlcv2018", "acgan"), ("digits", "cgan"), ("dlcv2018", "infogan_mixed"), ("dlcv2018", "vae"), ("pegasus", "acai"),
])  # fmt: skip
def test_every_control_changes_the_picture(browser, finished, study, model):
    run = finished("r", study, model, image_size=32 if model == "acai" else 16)
    trained_statistics(run.model)
    explorer.explore(run, pathlib.Path("r.html"))
    opened(browser, "r.html")
    controls = "document.querySelectorAll('#controls input[type=range], #controls select')"
    for i in range(browser.execute_script(f"return {controls}.length")):
        before = shown(browser)
        name = browser.execute_script(
            f"const one = {controls}[arguments[0]];"
            "one.value = one.tagName === 'SELECT' ? 3 : +one.value === +one.max ? one.min : one.max;"
            "one.dispatchEvent(new Event('input')); return one.parentElement.textContent", i)  # fmt: skip
        wait(browser, "return true")
        if name.startswith("share"):  # there is no walk yet
            continue
        assert shown(browser) != before, name
    buttons = browser.execute_script("return document.querySelectorAll('#samples .tile').length")
    before = shown(browser)
    browser.execute_script("document.querySelectorAll('#samples .tile')[3].click()")
    wait(browser, "return true")
    assert buttons >= 4 and shown(browser) != before
    # A walk from this picture to another begins and ends with them.
    first = shown(browser)
    press = "[...document.querySelectorAll('button')].find((one) => one.textContent.includes('walk')).click()"
    browser.execute_script(press)
    browser.execute_script("document.querySelectorAll('#samples .tile')[1].click()")
    wait(browser, "return true")
    last, steps = shown(browser), []
    for share in (0, 0.5, 1):
        browser.execute_script(
            "const one = [...document.querySelectorAll('#controls input[type=range]')].pop();"
            "one.value = arguments[0]; one.dispatchEvent(new Event('input'))", share)  # fmt: skip
        wait(browser, "return true")
        steps.append(shown(browser))
    assert steps[0] == first and steps[2] == last and len({*steps}) == 3
    assert complaints(browser) == []


@pytest.mark.trace
def test_the_address_holds_the_picture(browser, finished):
    run = finished("r", "dlcv2018", "acgan")
    trained_statistics(run.model)
    explorer.explore(run, pathlib.Path("r.html"))
    opened(browser, "r.html", "#seed=7&smiling=0.8&d2=1.5")
    picture, address = shown(browser), browser.execute_script("return location.hash")
    assert address == "#seed=7&smiling=0.8&d2=1.5"
    opened(browser, "r.html", "#seed=7&smiling=0.8")
    assert shown(browser) != picture
    opened(browser, "r.html", address)
    assert shown(browser) == picture
    opened(browser, "r.html", "#seed=x&smiling=&d2=<b>&unknown=3")  # whatever someone types
    assert complaints(browser) == []


@pytest.mark.trace
def test_pictures_of_ones_own(browser, finished):
    for study, model, words in (
        ("dlcv2018", "vae", "decoder makes of its code"),
        ("sullivan2017", "depth_wgan", "Depth from"),
    ):
        run = finished(model, study, model, image_size=32, batch_size=4)
        trained_statistics(run.model)
        explorer.explore(run, pathlib.Path("r.html"))
        opened(browser, "r.html")
        before = shown(browser)
        example = run.source("test").floats(slice(3, 4))
        uri = page._uri(np.rint(example[0] * 255).astype(np.uint8))
        browser.execute_async_script("tfgen.take(arguments[0]).then(() => arguments[1](true))", uri)
        wait(browser, "return true")
        assert shown(browser) != before and words in browser.find_element("id", "range").text
        if model == "vae":
            pixels = np.array(shown(browser).split(","), np.float32).reshape(32, 32, 4)[..., :3] / 255
            assert np.abs(pixels - latents.reconstructions(run.model, example)[0]).max() < 3 / 255
        assert complaints(browser) == []


@pytest.mark.trace
@pytest.mark.parametrize("width, dark", [(1280, False), (390, True)])
def test_the_page_fits_and_works_without_a_mouse(browser, finished, width, dark):
    explorer.explore(finished("r", "dlcv2018", "acgan"), pathlib.Path("r.html"))
    opened(browser, "r.html", width=width, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    wrong = browser.execute_script(
        "return [...document.querySelectorAll('button, input, select, canvas[role]')].filter((one) =>"
        "!(one.textContent.trim() || one.ariaLabel || one.closest('label'))).map((one) => one.outerHTML)"
    )
    assert wrong == []
    reached = browser.execute_script(
        "return [...document.querySelectorAll('button, input, select')].filter((one) => one.tabIndex < 0).length"
    )
    assert reached == 0 and complaints(browser) == []


def test_a_layer_that_the_page_cannot_compute_is_named():
    import keras

    z = keras.Input((4,))
    network = keras.Model(z, keras.layers.LayerNormalization(name="norm")(z))
    with pytest.raises(UserError, match="the page cannot compute the layer norm"):
        explorer.network.Steps().network(network)


@pytest.mark.trace
def test_the_command_and_its_mistakes(tfgen, finished):
    run = finished("r", "digits", "cgan")
    code, out, err = tfgen("explore", "r")
    assert code == 0 and out == "r/explorer.html\n", err
    text = pathlib.Path("r/explorer.html").read_text()
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    data = json.loads(re.search(r'<script id="content"[^>]*>(.*?)</script>', text, re.S)[1])
    assert data["codes"] == [
        {"name": "class", "kind": "mixture", "size": run.model.classes, "values": [*map(str, range(10))]}
    ]
    assert tfgen("explore", "r")[0] == 0  # the page of before is replaced
    pathlib.Path("mine.html").write_text("<!DOCTYPE html>\n<p>mine\n")
    code, _, err = tfgen("explore", "r", "--out", "mine.html")
    assert code == 2 and "mine.html exists and is not a page of `explore`: choose another --out" in err
    assert pathlib.Path("mine.html").read_text().endswith("mine\n")
    for words in (["--out", "page.txt"], ["--out", "nowhere/page.html"]):
        code, _, err = tfgen("explore", "r", *words)
        assert code == 2 and "expected the name of an .html file in an existing folder" in err


def test_every_network_of_the_studies_has_a_family(no_optimizers):
    """The page can compute the generators, decoders and encoders of all presets."""
    from tfgen.data import DATASETS

    for presets in STUDIES.values():
        for preset in presets.values():
            about = DATASETS[preset.data]
            networks = preset.build((about.image_size, about.image_size, about.channels), width=1 / 8).networks()
            steps = explorer.network.Steps()
            for name in networks.keys() & {"generator", "decoder", "encoder"}:
                assert steps.network(networks[name])["steps"]


@pytest.mark.parametrize("prior, deviation", [(noise.normal, 1), (noise.uniform, 3**-0.5)])
def test_directions_are_orthogonal_and_the_first_changes_most(prior, deviation):
    """Of pictures that are linear in z and depend on the codes too, they are singular vectors."""
    random = np.random.default_rng(0)
    z, codes = keras.Input((6,), name="z"), keras.Input((2,), name="codes")
    kernel = random.normal(size=(8, 12)).astype(np.float32)
    dense = keras.layers.Dense(12)
    generator = keras.Model({"z": z, "codes": codes}, dense(keras.layers.Concatenate()([codes, z])))
    dense.set_weights([kernel, random.normal(size=12)])
    found = page._directions(generator, prior)
    np.testing.assert_allclose(found @ found.T, np.eye(6) * deviation**2, atol=1e-5)
    expected = np.linalg.svd(kernel[2:])[0].T * deviation
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=1)), deviation**2, rtol=1e-3)
