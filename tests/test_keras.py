"""The models as a Keras user has them: plain arrays, Keras's own callbacks, `.keras` files, exports."""

import contextlib
import csv
import io
import math
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgen
from tests.sentences import say
from tfgen import UserError, losses, models, noise
from tfgen.studies import STUDIES

ROOT = str(pathlib.Path(__file__).parent.parent)
SHAPE = (8, 8, 3)
X = np.random.default_rng(0).random((64, *SHAPE), np.float32)
LABELS = np.arange(64) % 3


def dense_generator(code_dim=0):
    z = keras.Input((4,), name="z")
    codes = keras.Input((code_dim,), name="codes")
    x = keras.layers.Concatenate()([z, codes]) if code_dim else z
    x = keras.layers.Reshape(SHAPE)(keras.layers.Dense(math.prod(SHAPE), activation="sigmoid")(x))
    return keras.Model({"z": z, "codes": codes} if code_dim else z, x, name="generator")


def dense_discriminator():
    return keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)], name="discriminator")


def gan(**compiled):
    keras.utils.set_random_seed(0)
    model = models.GAN(dense_generator(), dense_discriminator())
    model.compile(discriminator=keras.optimizers.Adam(1e-3), generator=keras.optimizers.Adam(1e-3), **compiled)
    return model


def vae(rate=1e-2, **compiled):
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(image)
    encoder = keras.Model(image, {"mean": keras.layers.Dense(4)(flat), "log_var": keras.layers.Dense(4)(flat)})
    decoder = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(math.prod(SHAPE), activation="sigmoid"), keras.layers.Reshape(SHAPE)]
    )
    model = models.VAE(encoder, decoder, kl_weight=1e-3)
    model.compile(autoencoder=keras.optimizers.Adam(rate), **compiled)
    return model


def weights(model):
    return [v.numpy() for network in model.networks().values() for v in network.weights]


def slots(model):
    return [v.numpy() for optimizer in model.optimizers.values() for v in optimizer.variables]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# fit -----------------------------------------------------------------------------------------------------------------


@pytest.mark.trace
def test_arrays_datasets_and_dicts_of_them_train_alike():
    data = tf.data.Dataset.from_tensor_slices(X)
    ways = {
        "array": (X, {"batch_size": 16, "shuffle": False}),
        "tensor": (tf.constant(X), {"batch_size": 16, "shuffle": False}),
        "float64": (X.astype(np.float64), {"batch_size": 16, "shuffle": False}),
        "dict": ({"image": X}, {"batch_size": 16, "shuffle": False}),
        "pair": ((X, LABELS), {"batch_size": 16, "shuffle": False}),
        "dataset": (data.batch(16), {}),
        "dataset of pairs": (tf.data.Dataset.zip(data, tf.data.Dataset.from_tensor_slices(LABELS)).batch(16), {}),
        "dataset of dicts": (data.map(lambda x: {"image": x}).batch(16), {}),
    }
    trained = {}
    for way, (x, options) in ways.items():
        model = gan(run_eagerly=way != "array")
        history = model.fit(x, epochs=2, verbose=0, **options)
        assert set(history.history) == {"d_loss", "g_loss"} and len(history.history["d_loss"]) == 2
        assert int(model.step) == 8
        trained[way] = weights(model)
    for values in trained.values():
        for ours, theirs in zip(values, trained["array"], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_an_epochs_log_is_the_mean_of_its_steps():
    seen = []
    step = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["d_loss"]))
    history = gan(run_eagerly=True).fit(X, batch_size=16, epochs=2, verbose=0, callbacks=[step]).history
    assert len(set(map(float, seen))) == 8  # a callback of batches sees each step's own value
    assert history["d_loss"] == pytest.approx([np.mean(seen[:4]), np.mean(seen[4:])], rel=1e-5)


def test_other_seeds_draw_other_latents_and_the_counter_goes_on():
    ones, others = gan(run_eagerly=True, seed=1), gan(run_eagerly=True, seed=2)
    logs = [model.fit(X, batch_size=64, verbose=0).history["g_loss"] for model in (ones, others)]
    assert logs[0] != logs[1]
    model = gan(run_eagerly=True)
    keys = [model.batch(X[:4])["key"].numpy().tolist() for _ in range(3)]
    assert keys == [[0, 0], [0, 1], [0, 2]]


@pytest.mark.trace
def test_several_steps_in_one_execution_are_the_same_steps():
    one, four = gan(), gan(steps_per_execution=4)
    for model in (one, four):
        model.fit(X, batch_size=16, epochs=1, shuffle=False, verbose=0)
    assert int(four.step) == 4
    for ours, theirs in zip(weights(one), weights(four), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_compile_passes_on_what_it_is_given():
    model = gan(run_eagerly=True, steps_per_execution=2)
    assert model.run_eagerly and model.steps_per_execution == 2 and model.jit_compile is False
    assert gan().jit_compile is False  # "auto" would compile with XLA on one GPU, and draw other latents


def conditional(kind):
    keras.utils.set_random_seed(0)
    if kind == "cgan":
        images, codes = keras.Input(SHAPE, name="image"), keras.Input((3,), name="codes")
        flat = keras.layers.Concatenate()([keras.layers.Flatten()(images), codes])
        judge = keras.Model({"image": images, "codes": codes}, keras.layers.Dense(1)(flat), name="discriminator")
        model = models.CGAN(dense_generator(3), judge)
    else:
        images = keras.Input(SHAPE)
        flat = keras.layers.Flatten()(images)
        heads = {"logits": keras.layers.Dense(1)(flat), "codes": keras.layers.Dense(2)(flat)}
        model = models.ACGAN(dense_generator(2), keras.Model(images, heads, name="discriminator"))
    sgd = {player: keras.optimizers.SGD(1e-2) for player in model.players}
    model.compile(**sgd, run_eagerly=True)
    return model


ATTRIBUTES = np.random.default_rng(1).integers(0, 2, (64, 2))

BAD = {
    "bytes": (gan, (X * 255).astype(np.uint8), None, "must be floats in [0, 1], not uint8: divide them by 255"),
    "0 to 255": (gan, X * 255, None, "pictures must be in [0, 1], but the values go from 0."),
    "-1 to 1": (gan, 2 * X - 1, None, "pictures must be in [0, 1], but the values go from -"),
    "NaN": (gan, np.where(X > 0.5, np.nan, X), None, "pictures must be in [0, 1], but the values go from nan"),
    "other size": (gan, np.zeros((4, 16, 16, 3), np.float32), None, "shape (n, 8, 8, 3), not (n, 16, 16, 3)"),
    "grey": (gan, X[..., :1], None, "shape (n, 8, 8, 3), not (n, 8, 8, 1)"),
    "flat": (gan, X.reshape(64, -1), None, "shape (n, 8, 8, 3), not (n, 192)"),
    "no labels": (lambda: conditional("cgan"), X, None, "CGAN needs pictures with label: use fit(pictures"),
    "no attributes": (lambda: conditional("acgan"), X, None, "ACGAN needs pictures with attributes"),
    "one-hot": (lambda: conditional("cgan"), X, np.eye(3)[LABELS], "labels must be class numbers of shape (n,)"),
    "too many classes": (lambda: conditional("cgan"), X, LABELS + 1, "from 0 to 2, because this model has 3 classes"),
    "too few attributes": (lambda: conditional("acgan"), X, ATTRIBUTES[:, :1], "the shape (n, 2), not (n, 1)"),
    "attributes -1 and 1": (lambda: conditional("acgan"), X, 2.0 * ATTRIBUTES - 1, "attributes must be in [0, 1]"),
}


@pytest.mark.parametrize("make, x, y, sentence", BAD.values(), ids=BAD)
@pytest.mark.parametrize("as_dataset", [False, True], ids=["array", "dataset"])
def test_data_that_do_not_fit_are_refused_in_one_sentence(make, x, y, sentence, as_dataset):
    model = make()
    before = weights(model)
    with pytest.raises(UserError) as error:
        if as_dataset:
            model.fit(tf.data.Dataset.from_tensor_slices(x if y is None else (x, y)).batch(16), verbose=0)
        else:
            model.fit(x, y, batch_size=16, verbose=0)
    assert sentence in say(error)
    assert same(weights(model), before) and int(model.step) == 0


def test_a_dict_without_pictures_and_weights_of_samples():
    with pytest.raises(UserError) as error:
        gan().fit({"images": X})
    assert 'must have the field "image", but this one has images' in say(error)
    with pytest.raises(UserError) as error:
        gan(run_eagerly=True).fit(X, LABELS, sample_weight=np.ones(64), verbose=0)
    assert "do not use sample_weight" in say(error)
    with pytest.raises(UserError) as error:
        gan().fit(tf.data.Dataset.from_tensor_slices(X[:0]).batch(4))
    assert "is empty" in say(error)


def test_batches_that_devices_cannot_share(two_replicas):
    """An odd batch would leave NaN in every log, and in moving statistics for good."""
    with two_replicas.scope():
        model, other = gan(), vae()
    data = tf.data.Dataset.from_tensor_slices(X)
    bad = [
        (
            model,
            {"x": X[:61], "batch_size": 16},
            "61 examples in batches of 16 cannot be split evenly across 2 devices",
        ),
        (model, {"x": data.batch(16)}, "all batches must split evenly across 2 devices"),
        (model, {"x": data.batch(15, drop_remainder=True)}, "all batches must split evenly across 2 devices"),
        (other, {"x": X, "batch_size": 16, "validation_split": 0.1}, "57 examples in batches of 16"),
        (other, {"x": X, "batch_size": 16, "validation_data": X[:49]}, "49 examples in batches of 16"),
        (other, {"x": X[:49], "batch_size": 16, "validation_split": 0.02}, "1 examples in batches of 16"),
        (other, {"x": X, "batch_size": 16, "validation_data": X, "validation_batch_size": 15}, "in batches of 15"),
    ]
    for one, fit, sentence in bad:
        with pytest.raises(UserError) as error:
            one.fit(verbose=0, **fit)
        assert sentence in say(error) and "drop_remainder=True" in say(error)
        assert one.step.numpy() == 0


@pytest.mark.trace
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_empty_data_fractions_and_batches_of_unknown_rank():
    for make, fit, sentence in [
        (gan, {"x": X[:0]}, "holds no pictures"),
        (gan, {}, "fit takes an array of pictures"),
        (gan, {"x": (X, LABELS, LABELS)}, "fit takes an array of pictures"),
        (lambda: conditional("cgan"), {"x": X, "y": LABELS * 0.7}, "not fractions from 0 to 1.4"),
    ]:
        with pytest.raises(UserError) as error:
            make().fit(verbose=0, **fit)
        assert sentence in say(error)
    model = gan(run_eagerly=True)
    unknown = tf.data.Dataset.from_tensor_slices(X).batch(16).map(lambda x: tf.numpy_function(np.copy, [x], tf.float32))
    model.fit(unknown, verbose=0)
    taken = iter(np.split(X, 4))
    one_shot = tf.data.Dataset.from_generator(lambda: taken, output_types=tf.float32)
    model.fit(one_shot, verbose=0)
    assert int(model.step) == 8  # no batch was lost to a check


def test_networks_must_be_built_and_players_have_optimizers_of_their_own():
    unbuilt = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="discriminator is not built: start it with keras.Input"):
        models.GAN(dense_generator(), unbuilt).compile(discriminator="adam", generator="adam")
    one = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="two players have the same optimizer"):
        models.GAN(dense_generator(), dense_discriminator()).compile(discriminator=one, generator=one)
    model = models.GAN(dense_generator(), dense_discriminator())
    model.compile(discriminator="sgd", generator="adam")
    assert isinstance(model.optimizers["discriminator"], keras.optimizers.SGD)


def test_regularizers_and_averages_of_optimizers_do_what_keras_says():
    """A weight decay of the loss shrinks a kernel; with use_ema a model ends with the averages."""
    keras.utils.set_random_seed(0)
    strong = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(10.0))
    discriminator = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), strong])
    model = models.GAN(dense_generator(), discriminator)
    sgd = keras.optimizers.SGD(1e-2, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=None)
    model.compile(discriminator=keras.optimizers.SGD(1e-2), generator=sgd, run_eagerly=True)
    before = np.abs(strong.kernel.numpy()).mean()
    model.fit(X, batch_size=16, epochs=3, verbose=0)
    assert np.abs(strong.kernel.numpy()).mean() < 0.5 * before
    averages = [variable.numpy() for variable in sgd._model_variables_moving_average]
    assert same(averages, [variable.numpy() for variable in model.generator.trainable_variables])


@pytest.mark.trace
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_networks_of_ones_own_in_half_precision(policy):
    """Their outputs are half precision, unlike those of tfgen's networks; losses are float32 nevertheless."""
    keras.config.set_dtype_policy(policy)
    try:
        for make in (gan, vae):
            model = make(run_eagerly=True)
            lasts = {network.layers[-1].compute_dtype for network in model.networks().values()}
            assert lasts == {policy.removeprefix("mixed_")}
            logs = model.fit(X, batch_size=32, verbose=0).history
            assert all(np.isfinite(values[0]) for values in logs.values())
        critic = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)])
        model = models.WGANGP(dense_generator(), critic, d_steps=1)
        model.compile(discriminator="adam", generator="adam", run_eagerly=True)
        assert np.isfinite(model.fit(X, batch_size=32, verbose=0).history["gradient_penalty"][0])
    finally:
        keras.config.set_dtype_policy("float32")
    scaled = isinstance(model.optimizers["generator"], keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")


def test_conditional_models_train_on_pairs_and_generate_what_they_are_told():
    for kind, y in (("cgan", LABELS), ("acgan", ATTRIBUTES)):
        model = conditional(kind)
        logs = model.fit(X, y, batch_size=32, verbose=0).history
        assert set(logs) == set(model.logs)
        z = model.sample_latents((0, 0), 0, 6)
        told = y[:6]
        other = (told + 1) % (3 if kind == "cgan" else 2)
        assert np.abs(model((z, told)) - model((z, other))).max() > 1e-3
        with pytest.raises(UserError) as error:
            model.generate(z)
        assert "in addition to z" in say(error)
        with pytest.raises(UserError, match="in addition to z"):  # Keras adds where it was called
            model(z)
    np.testing.assert_allclose(conditional("cgan")((z, LABELS[:6])), conditional("cgan")((z, np.eye(3)[LABELS[:6]])))


# Validation and callbacks --------------------------------------------------------------------------------------------


def test_validation_logs_are_means_over_the_validation_data():
    model = vae(run_eagerly=True)
    history = model.fit(X[:32], batch_size=16, epochs=2, verbose=0, validation_data=X[32:]).history
    assert set(history) == {"reconstruction", "kl", "val_reconstruction", "val_kl"}
    batches = [model.validation_logs(tf.constant(X[i : i + 16])) for i in (32, 48)]
    assert history["val_kl"][-1] == pytest.approx(np.mean([float(logs["kl"]) for logs in batches]), rel=1e-5)
    assert model.evaluate(X[32:], batch_size=16, verbose=0, return_dict=True) == pytest.approx(
        {"reconstruction": history["val_reconstruction"][-1], "kl": history["val_kl"][-1]}, rel=1e-5
    )


@pytest.mark.trace
@pytest.mark.parametrize("study, name", [("pegasus", "acai"), ("pegasus", "adversarial_vae"), ("pegasus", "vae_gan")])
def test_every_autoencoder_is_validated(study, name):
    model = STUDIES[study][name].build((8, 8, 3), width=1 / 16)
    model.run_eagerly = True
    history = model.fit(X[:16], batch_size=16, verbose=0, validation_data=X[16:32], validation_batch_size=8).history
    assert "val_reconstruction" in history and np.isfinite(history["val_reconstruction"]).all()


def test_validation_weighs_pictures_not_batches():
    """A last batch of one picture counts as one picture."""
    model = vae(run_eagerly=True)
    pictures = np.concatenate([X, np.zeros((1, *SHAPE), np.float32)])
    model.validation_logs = lambda images: {"reconstruction": tf.reduce_mean(images), "kl": tf.reduce_mean(images)}
    for batch_size in (64, 65, 5):
        logs = model.evaluate(pictures, batch_size=batch_size, verbose=0, return_dict=True)
        assert logs["reconstruction"] == pytest.approx(pictures.mean(), rel=1e-5)


@pytest.mark.parametrize("how", [{"validation_data": X}, {"validation_split": 0.25}])
def test_a_gan_has_nothing_to_validate(how):
    model = gan(run_eagerly=True)
    with pytest.raises(UserError) as error:
        model.fit(X, batch_size=32, verbose=0, **how)
    assert "GAN has no validation loss" in say(error) and int(model.step) == 0
    with pytest.raises(UserError):
        model.evaluate(X)


@pytest.mark.parametrize("bad", [X * 255, (X * 255).astype(np.uint8), X[:, :4], np.where(X > 0.9, np.nan, X)])
def test_validation_data_are_checked_before_anything_is_trained(bad):
    model = vae(run_eagerly=True)
    with pytest.raises(UserError):
        model.fit(X, batch_size=32, verbose=0, validation_data=bad)
    with pytest.raises(UserError):
        model.evaluate(bad, verbose=0)
    assert int(model.step) == 0


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ReduceLROnPlateau("d_loss"),
        keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3),
    ],
)
def test_callbacks_that_need_one_optimizer_or_a_log_called_loss_are_refused(callback):
    """Keras's TerminateOnNaN would never see a NaN, and say nothing."""
    with pytest.raises(UserError) as error:
        gan(run_eagerly=True).fit(X, batch_size=32, verbose=0, callbacks=[callback])
    assert "GAN has an optimizer for each of discriminator, generator" in say(error)


def test_metrics_are_the_logs():
    model = vae(run_eagerly=True)
    model.compile(autoencoder=keras.optimizers.Adam(), run_eagerly=True)
    assert model.metrics_names == ["reconstruction", "kl"]
    values = model.evaluate(X, batch_size=64, verbose=0)
    assert dict(zip(model.metrics_names, values, strict=True)) == pytest.approx(
        {name: float(value) for name, value in model.validation_logs(tf.constant(X)).items()}, rel=1e-5
    )


def spoiling(model):
    """A callback that spoils the weights after the second epoch, so that the best ones are not the last."""

    def spoil(epoch, logs):
        if epoch == 2:
            for v in model.decoder.trainable_variables:
                v.assign(v * 50.0)

    return keras.callbacks.LambdaCallback(on_epoch_begin=spoil)


@pytest.mark.trace
def test_model_checkpoint_keeps_the_best_by_a_monitored_log(tmp_path):
    model = vae(run_eagerly=True)
    path = str(tmp_path / "best.keras")
    keep = keras.callbacks.ModelCheckpoint(path, monitor="val_reconstruction", mode="min", save_best_only=True)
    worsen = spoiling(model)
    data = {"x": X[:32], "validation_data": X[32:], "batch_size": 16, "verbose": 0}
    history = model.fit(epochs=4, callbacks=[worsen, keep], **data).history
    best = keras.models.load_model(path)
    losses_seen = history["val_reconstruction"]
    assert np.argmin(losses_seen) < 2
    reached = best.evaluate(X[32:], batch_size=16, verbose=0, return_dict=True)["reconstruction"]
    assert reached == pytest.approx(min(losses_seen), rel=1e-4) and int(best.step) == 2 * (1 + np.argmin(losses_seen))


def test_early_stopping_stops_and_restores_the_best_weights():
    model = vae(run_eagerly=True)
    stop = keras.callbacks.EarlyStopping("val_reconstruction", patience=2, mode="min", restore_best_weights=True)
    data = {"x": X[:32], "validation_data": X[32:], "batch_size": 16, "verbose": 0}
    history = model.fit(epochs=50, callbacks=[spoiling(model), stop], **data).history["val_reconstruction"]
    best = np.argmin(history)
    assert best < 2 and stop.stopped_epoch == best + 2 and len(history) == best + 3
    reached = model.evaluate(X[32:], batch_size=16, verbose=0, return_dict=True)["reconstruction"]
    assert reached == pytest.approx(min(history), rel=1e-4)


def test_csv_logger_and_tensorboard_write_the_epochs_means(tmp_path):
    model = vae(run_eagerly=True)
    callbacks = [keras.callbacks.CSVLogger(tmp_path / "log.csv"), keras.callbacks.TensorBoard(tmp_path / "board")]
    history = model.fit(X, batch_size=16, epochs=3, verbose=0, validation_data=X, callbacks=callbacks).history
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["reconstruction"]) for row in rows] == pytest.approx(history["reconstruction"])
    assert [float(row["val_kl"]) for row in rows] == pytest.approx(history["val_kl"])
    events = [path for path in (tmp_path / "board" / "train").iterdir() if "tfevents" in path.name]
    written = {}
    for event in tf.compat.v1.train.summary_iterator(str(events[0])):
        for value in event.summary.value:
            if value.tag == "epoch_kl":
                written[event.step] = float(tf.make_ndarray(value.tensor))
    assert [written[i] for i in range(3)] == pytest.approx(history["kl"])


@pytest.mark.trace
def test_backup_and_restore_goes_on_as_if_never_stopped(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise InterruptedError

    fit = {"x": X, "batch_size": 16, "epochs": 4, "shuffle": False, "verbose": 0}
    whole, first, second = gan(run_eagerly=True), gan(run_eagerly=True), gan(run_eagerly=True)
    history = whole.fit(**fit).history
    with pytest.raises(InterruptedError):
        first.fit(callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup"), Stop()], **fit)
    resumed = second.fit(callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")], **fit).history
    assert resumed["d_loss"] == history["d_loss"][2:]
    assert int(second.step) == 16 and same(weights(second), weights(whole)) and same(slots(second), slots(whole))


# Files ---------------------------------------------------------------------------------------------------------------


def test_weights_alone_bring_the_slots_and_the_counter_too(tmp_path):
    model, other = gan(run_eagerly=True), gan(run_eagerly=True)
    model.fit(X, batch_size=16, verbose=0)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    assert same(weights(model), weights(other)) and same(slots(model), slots(other)) and int(other.step) == 4


def test_dropout_goes_on_where_it_was(tmp_path):
    """Keras saves the states of dropout nowhere: a resumed run would see the first masks again."""
    model = STUDIES["digits"]["gan"].build((16, 16, 3), width=1 / 16)
    model.run_eagerly = True
    x = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
    model.fit(x, batch_size=4, verbose=0)
    model.save(tmp_path / "g.keras")
    again = keras.models.load_model(tmp_path / "g.keras")
    states = [[state.numpy().tolist() for state in one._seeds()] for one in (model, again)]
    assert states[0] == states[1] and states[0]


def test_other_random_layers_go_on_where_they_were_too(tmp_path):
    noisy = keras.Sequential([keras.Input((4,)), keras.layers.GaussianNoise(1.0)])
    generator = keras.Sequential([keras.Input((4,)), noisy, *dense_generator().layers[1:]], name="generator")
    model = models.GAN(generator, dense_discriminator())
    model.compile(discriminator="sgd", generator="sgd", run_eagerly=True)
    fit = {"x": X, "batch_size": 32, "shuffle": False, "verbose": 0}
    model.fit(**fit)
    model.save(tmp_path / "noisy.keras")
    assert keras.models.load_model(tmp_path / "noisy.keras").fit(**fit).history == model.fit(**fit).history


@keras.saving.register_keras_serializable("tests")
class Passing(models.GAN):
    """Hands on what it does not know."""

    def __init__(self, *args, weight=1.0, **others):
        super().__init__(*args, **others)
        self.weight = weight


def test_a_subclass_that_hands_on_arguments_is_saved(tmp_path):
    model = Passing(dense_generator(), dense_discriminator(), weight=3.0, g_steps=2)
    model.compile(discriminator="sgd", generator="sgd")
    model.save(tmp_path / "p.keras")
    again = keras.models.load_model(tmp_path / "p.keras")
    assert (type(again), again.weight, again.g_steps) == (Passing, 3.0, 2)


def test_an_infogans_layers_may_have_any_names():
    image = keras.Input(SHAPE)
    features = keras.layers.Dense(8, activation="relu")(keras.layers.Flatten()(image))
    head = keras.layers.Dense(1)
    judge = keras.Model(image, {"logits": head(features), "features": features})
    recognizer = keras.Model(inputs := keras.Input((8,)), {"code_0": keras.layers.Dense(3)(inputs)})
    model = models.InfoGAN(dense_generator(3), judge, recognizer, categories=(3,), shared_trunk=True)
    moved = {id(variable) for variable in model.player_variables("recognizer")}
    assert id(head.kernel) not in moved and len(moved) == 2 + 2 + 2  # generator, recognizer, one layer of the trunk
    model.compile(**dict.fromkeys(model.players, "sgd"), run_eagerly=True)
    assert set(model.fit(X, batch_size=32, verbose=0).history) == set(model.logs)


@keras.saving.register_keras_serializable("tests")
def real_should_be_2(real, fake):
    return tf.reduce_mean((real - 2.0) ** 2) + tf.reduce_mean(fake**2)


@keras.saving.register_keras_serializable("tests")
def fake_should_be_real(real, fake):
    return tf.reduce_mean((real - fake) ** 2)


@keras.saving.register_keras_serializable("tests")
class Slow(models.GAN):
    """A model of a user's own: one more argument."""

    def __init__(self, generator, discriminator, adversarial, patience=3):
        super().__init__(generator, discriminator, adversarial, noise.normal)
        self.patience = patience


def test_a_model_and_a_loss_of_ones_own_are_saved_too(tmp_path):
    loss = losses.AdversarialLoss(real_should_be_2, fake_should_be_real, reaches_zero=True, relativistic=True)
    model = Slow(dense_generator(), dense_discriminator(), loss, patience=7)
    model.compile(discriminator=keras.optimizers.SGD(0.1), generator=keras.optimizers.SGD(0.1), run_eagerly=True)
    logs = model.fit(X, batch_size=32, shuffle=False, verbose=0).history
    assert all(np.isfinite(values[0]) for values in logs.values())
    model.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras")
    assert type(again) is Slow and again.patience == 7 and again.prior is not noise.uniform
    assert again.adversarial.relativistic and again.adversarial.discriminator(np.ones(3), np.zeros(3)) == 1.0
    more, logs = (one.fit(X, batch_size=32, shuffle=False, verbose=0).history for one in (again, model))
    assert more == logs


def test_every_argument_of_a_constructor_is_kept_under_its_name():
    """What `get_config` rests on; and a constructor takes only what it honours."""
    import inspect

    for name in models.__all__:
        cls = getattr(models, name)
        given = [arg for arg in inspect.signature(cls.__init__).parameters if arg != "self"]
        source = "".join(inspect.getsource(base.__init__) for base in cls.__mro__[:-1] if "__init__" in vars(base))
        properties = [arg for arg in given if isinstance(getattr(cls, arg, None), property)]
        assert all(f"self.{arg} = " in source for arg in given if arg not in properties), name
    with pytest.raises(TypeError, match="d_steps"):
        models.ACGAN(dense_generator(2), dense_discriminator(), "hinge", d_steps=2)
    with pytest.raises(TypeError, match="readings"):
        models.InfoGAN(dense_generator(), dense_discriminator(), dense_discriminator(), readings={})


@pytest.mark.trace
def test_export_serves_what_the_model_generates(tmp_path):
    z = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    calls = {
        "gan": (gan(), z),
        "vae": (vae(), X[:5]),
        "cgan": (conditional("cgan"), (z, np.eye(3, dtype="float32")[LABELS[:5]])),
    }
    for name, (model, inputs) in calls.items():
        model.export(str(tmp_path / name), verbose=False)
        reloaded = tf.saved_model.load(str(tmp_path / name))
        np.testing.assert_allclose(reloaded.serve(inputs), model(inputs), atol=1e-6)


@pytest.mark.parametrize("kind", [lambda z: z, lambda z: z.astype(np.float64), np.ndarray.tolist, tf.constant])
def test_models_generate_from_any_kind_of_numbers(kind):
    z = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    labels, attributes = np.array([0, 1, 2, 0, 1]), np.array([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1]])
    for model, told in ((gan(), None), (conditional("cgan"), labels), (conditional("acgan"), attributes)):
        expected = model.generate(tf.constant(z), None if told is None else tf.constant(told))
        found = model.generate(kind(z), None if told is None else kind(told))
        np.testing.assert_allclose(found, expected, atol=1e-6)
    cgan = conditional("cgan")
    one_hot = np.eye(3)[labels]
    np.testing.assert_allclose(cgan.generate(kind(z), kind(one_hot)), cgan.generate(z, labels), atol=1e-6)


@pytest.mark.parametrize(
    "use, expected",
    [
        (lambda z: gan().generate(z[:, :3]), "latents must have the shape (n, 4), not (n, 3)"),
        (lambda z: gan().generate([["a"] * 4]), "latents must be numbers, not string"),
        (lambda z: conditional("cgan").generate(z, [0, 1]), "for each of the 5 latents, not 2 of them"),
        (lambda z: conditional("cgan").generate(z, 1), "for each of the 5 latents, not one value"),
        (lambda z: conditional("cgan").generate(z, [0, 1, 2, 3, 0]), "class numbers from 0 to 2"),
        (lambda z: conditional("cgan").generate(z, [0, 1, 0.5, 2, 0]), "class numbers from 0 to 2"),
        (lambda z: conditional("cgan").generate(z, np.eye(5)), "codes must have the shape (n, 3), not (n, 5)"),
        (
            lambda z: conditional("acgan").generate(z[:, :1], [[0, 1]] * 5),
            "latents must have the shape (n, 4), not (n, 1)",
        ),
        (lambda z: vae().encode(255 * X), "pictures must be in [0, 1], but the values go from"),
        (lambda z: vae().reconstruct(2 * X - 1), "pictures must be in [0, 1], but the values go from"),
        (lambda z: vae().encode(X[..., 0]), "pictures must have the shape"),
    ],
)
def test_what_cannot_be_generated_or_encoded_is_refused_in_a_sentence(use, expected):
    with pytest.raises(UserError) as error:
        use(np.random.default_rng(0).normal(size=(5, 4)))
    assert expected in say(error)


def test_summary_shows_the_networks_and_their_parameters():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        gan().summary()
    assert "generator" in text.getvalue() and "discriminator" in text.getvalue() and "960" in text.getvalue()


def test_reconstructions_and_codes_of_plain_arrays():
    model = vae()
    assert model.reconstruct(X).shape == X.shape and set(model.encode(X)) == {"mean", "log_var"}
    with pytest.raises(UserError) as error:
        model.encode((X * 255).astype(np.uint8))
    assert "floats in [0, 1], not uint8" in say(error)


@pytest.mark.trace
def test_a_saved_model_is_loaded_whatever_was_imported_first(tmp_path):
    gan().save(tmp_path / "g.keras")
    for code in (
        "import keras, tfgen; keras.models.load_model('g.keras')",
        "import tfgen; tfgen.load_model('g.keras')",
    ):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": ROOT},
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr


def test_public_names():
    assert tfgen.GAN is models.GAN and tfgen.losses is losses and tfgen.noise is noise
    assert all(hasattr(tfgen, name) for name in tfgen.__all__)
    with pytest.raises(AttributeError, match="DCGAN"):
        _ = tfgen.DCGAN
