"""Exports in every format, of every family of networks, in the runtime of the format; endpoints; the model card."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import UserError, commands, settings
from tfgen.export import formats
from tfgen.scores import FORMAT

# One preset of each family of networks.
FAMILIES = [
    ("dlcv2018", "vae", {}),
    ("dlcv2018", "acgan", {}),
    ("dlcv2018", "infogan_mixed", {}),
    ("sullivan2017", "gan", {"image_size": 32}),
    ("sullivan2017", "depth_wgan", {"image_size": 32, "batch_size": 4}),
    ("csi5340", "gan", {}),
    ("pegasus", "vae_gan", {}),
    ("pegasus", "acai", {}),
    ("digits", "cgan", {}),
    ("modern", "acgan", {"image_size": 32}),
    ("modern", "vae", {"image_size": 32}),
]
ENDPOINTS = {
    "vae": {"generate", "sample", "encode", "reconstruct", "interpolate"},
    "acgan": {"generate", "sample", "discriminate"},
    "infogan_mixed": {"generate", "sample", "discriminate"},
    "gan": {"generate", "sample", "discriminate"},
    "depth_wgan": {"depth"},
    "vae_gan": {"generate", "sample", "encode", "reconstruct", "interpolate", "discriminate"},
    "acai": {"encode", "reconstruct", "interpolate", "discriminate"},
    "cgan": {"generate", "sample"},
}


@pytest.mark.trace
@pytest.mark.parametrize("study, model, choice", FAMILIES, ids=[f"{study}-{model}" for study, model, _ in FAMILIES])
def test_every_family_in_every_format(tmp_path, finished, study, model, choice):
    run = finished(tmp_path / "r", study, model, **choice)
    chosen = ["saved_model", "onnx", "keras"] if study != "modern" else ["saved_model", "onnx"]
    written = commands.export(run.folder, format=chosen, out=tmp_path / "out")
    networks = run.model.networks()
    suffixes = [formats.FORMATS[name].suffix for name in chosen]
    assert written.keys() == {name + suffix for name in networks for suffix in suffixes} | {"model"}
    assert all(path.exists() and difference <= 1e-5 for path, difference in written.values())
    assert {path.name for path in (tmp_path / "out").iterdir()} == written.keys() | {"README.md"}
    if study == "modern":
        with pytest.raises(UserError, match="has a layer that Keras does not have"):
            commands.export(run.folder, format="keras", out=tmp_path / "out")
    _check_endpoints(run, tf.saved_model.load(str(tmp_path / "out" / "model")), ENDPOINTS[model])


def _check_endpoints(run, loaded, expected):
    """The endpoints are those expected, each gives what the model gives, and that for uint8 rounds it."""
    names = {name for name in loaded.signatures if name != "serving_default"}
    assert names == expected | {f"{name}_uint8" for name in expected}
    model, images = run.model, run.source("test").floats(slice(3))
    if "sample" in expected:
        found = loaded.sample(5, 7)
        np.testing.assert_allclose(found, model.sample(5, 7), atol=1e-5)
        np.testing.assert_allclose(loaded.sample_uint8(5, 7), 255 * found, atol=0.51)
        assert not np.array_equal(found, loaded.sample(5, 8))
    if "encode" in expected:
        np.testing.assert_allclose(loaded.encode(images)["mean"], model.encode(images)["mean"], atol=1e-5)
        np.testing.assert_allclose(loaded.reconstruct(images), model.reconstruct(images), atol=1e-5)
        strip = loaded.interpolate(images[:1], images[1:2], 5)
        assert len(strip) == 5
        np.testing.assert_allclose(tf.stack([strip[0], strip[-1]]), model.reconstruct(images[:2]), atol=1e-5)
        as_bytes = np.rint(255 * images).astype(np.uint8)
        np.testing.assert_allclose(loaded.reconstruct_uint8(as_bytes), 255 * loaded.reconstruct(images), atol=0.6)
    if "depth" in expected:
        found = loaded.depth(images, 7)
        np.testing.assert_allclose(found, model.predict_depth(images, 7), atol=1e-5)
        as_bytes = np.rint(255 * images).astype(np.uint8)
        millimeters = loaded.depth_uint8(as_bytes, 7)
        assert millimeters.dtype == tf.uint16
        np.testing.assert_allclose(tf.cast(millimeters, tf.float32), 10_000 * found, atol=20)


@pytest.mark.trace
def test_files_open_without_tfgen(tmp_path, finished):
    """In a process of its own, in which tfgen cannot be imported."""
    run = finished(tmp_path / "r", "dlcv2018", "acgan")
    commands.export(run.folder, format=("saved_model", "onnx", "keras"), out=tmp_path)
    z = run.model.sample_latents((5, 0), 0, 3).numpy()
    codes = np.array([[0], [1], [1]], np.float32)
    np.savez(tmp_path / "given.npz", z=z, codes=codes)
    script = """
import sys
sys.modules["tfgen"] = None
import keras, numpy as np, onnxruntime, tensorflow as tf
given = dict(np.load("given.npz"))
kept = keras.models.load_model("generator.keras")(given)
session = onnxruntime.InferenceSession("generator.onnx")
assert {x.name for x in session.get_inputs()} == {"z", "codes"}
loaded = tf.saved_model.load("model")
served = loaded.generate(given["z"], given["codes"])
np.savez("found.npz", kept=kept, onnx=session.run(None, given)[0], served=served)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = run.model.generate(z, codes)
    for name, found in np.load(tmp_path / "found.npz").items():
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=name)


@pytest.mark.trace
def test_the_card_says_what_was_trained_and_how_good_it_is(tmp_path, finished, tfgen):
    run = finished(tmp_path / "r", "dlcv2018", "vae")
    (run.folder / "scores.json").write_text(
        json.dumps(
            {
                "format": FORMAT,
                "iteration": run.iteration,
                "test_mse_mean_code": 0.0625,
                "pca_mse": 0.0525,
                "mean_picture_mse": 0.5,
            }
        )
    )
    commands.export(run.folder, out=tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: tfgen\npipeline_tag: unconditional-image-generation\n")
    for part in (
        "# dlcv2018 vae on faces", f"{run.iteration:,} iterations", "| test_mse_mean_code | 0.0625 | ", "0.0525",
        "drawn by tfgen: they show nobody", "- `decoder`", "- `model`", "tf.saved_model.load",
    ):  # fmt: skip
        assert part in text, part
    assert str(tmp_path) not in text and "{{" not in text and "\n\n\n\n" not in text
    (run.folder / "scores.json").unlink()
    commands.export(run.folder, out=tmp_path / "out")
    assert "Not evaluated yet." in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.trace
def test_what_was_there_stays(tmp_path, finished):
    run = finished(tmp_path / "r", "dlcv2018", "gan")
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("my thesis")
    with pytest.raises(UserError, match=r"README.md exists and is not a model card"):
        commands.export(run.folder, out=out)
    (out / "README.md").unlink()
    (out / "generator.onnx").write_text("my thesis")
    with pytest.raises(UserError, match=r"generator.onnx exists and is not an export"):
        commands.export(run.folder, out=out, format="onnx")
    assert [path.name for path in out.iterdir()] == ["generator.onnx"]
    (out / "generator.onnx").unlink()
    first = commands.export(run.folder, out=out, format="onnx")
    second = commands.export(run.folder, out=out, format="onnx")
    assert first.keys() == second.keys() == {"generator.onnx", "discriminator.onnx"}
    commands.export(run.folder, out=out, format="keras")
    assert "- `generator.onnx`" in (out / "README.md").read_text()  # it is still there
    with pytest.raises(UserError, match="there is no format 'tflite': choose from saved_model, onnx, keras"):
        commands.export(run.folder, format="tflite")


@pytest.mark.trace
def test_onnx_without_its_packages_is_refused_in_a_sentence(tmp_path, finished, monkeypatch):
    run = finished(tmp_path / "r", "dlcv2018", "gan")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(UserError, match=r"needs the packages tf2onnx, onnx and onnxruntime"):
        commands.export(run.folder, format="onnx", out=tmp_path / "out")
    assert not [*pathlib.Path(tmp_path / "out").iterdir()]


def test_the_command_line_knows_the_formats():
    assert set(settings.FORMATS) == set(formats.FORMATS)


def test_a_plain_copy_has_keras_layers_alone(tmp_path):
    from tfgen.networks import dcgan

    network = dcgan.generator((32, 32, 3), latent_dim=8)
    formats.FORMATS["keras"].write(network, tmp_path / "g.keras")
    copy = keras.models.load_model(tmp_path / "g.keras")
    assert all(type(layer).__module__.startswith("keras.") for layer in copy.layers)
