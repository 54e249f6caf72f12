#!/usr/bin/env python3
"""Trains, scores, draws and exports the classic image-generating models.

`python tfgen_cli.py --help` lists the commands.
"""

import argparse
import contextlib
import fractions
import math
import os
import pathlib
import re
import shlex
import sys

from absl import app, logging
from absl.flags import argparse_flags

EPILOG = "A model's own arguments are flags too: `list` shows them, as in `train --model vae --latent_dim 64 --kl_weight 0.1`."


def main(arguments):
    """Runs one command. A user's mistake is one sentence on stderr and exit code 2."""
    logging.set_verbosity(logging.WARNING)
    try:
        from tfgen import UserError

        with quiet():
            import tensorflow as tf

            tf.config.list_physical_devices()
            tf.get_logger().setLevel(
                "ERROR"
            )  # each network's own `predict` is traced once, and TensorFlow takes them for one traced again
    except ImportError as error:
        print(f"tfgen_cli.py: {error}", file=sys.stderr)
        return 2
    try:
        return arguments.command(arguments)
    except UserError as error:
        print(f"tfgen_cli.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"tfgen_cli.py: {error.filename or 'a file'} cannot be read or written ({error.strerror or error}): mend that, then give the same command.",
            file=sys.stderr,
        )
        return 2
    except tf.errors.ResourceExhaustedError:
        print(
            "tfgen_cli.py: the memory or the disk is full: make room, or choose a smaller --batch_size, then give the same command.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("tfgen_cli.py: interrupted.", file=sys.stderr)
        return 130


@contextlib.contextmanager
def quiet():
    """Keeps TensorFlow's start-up notices (no GPU here, rounding may differ) off the terminal; TF_CPP_MIN_LOG_LEVEL=0
    lets them through.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def parse(argv):
    """The command line as an argparse.Namespace; `extra` holds the flags that only the model knows, as a dict of texts."""
    parser = argparse_flags.ArgumentParser(prog="tfgen_cli.py", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, help, commands=commands):
        added = commands.add_parser(
            function.__name__.split("_")[0], help=help, description=help, epilog=EPILOG, allow_abbrev=False
        )
        added.set_defaults(command=function)
        return added

    added = command(train, "Train a model, or go on with an interrupted run: the same command continues it.")
    added.add_argument("--model", required=True, help="vae, gan, acgan, ...: see `list`")
    added.add_argument("--study", default="dlcv2018", help="whose layers, losses and settings (default %(default)s)")
    training_flags(added)
    added.add_argument("--attribute", metavar="NAME", help="the attribute an ACGAN is told (default Smiling)")
    added.add_argument("--run", metavar="DIR", help="run folder (default runs/MODEL-DATASET)")
    added.add_argument(
        "--new", action="store_true", help="start beside a run that is there, in its folder's name with -2, -3, ..."
    )
    added.add_argument(
        "--dry_run", action="store_true", help="check everything, say what would be trained, write nothing"
    )

    added = command(
        experiment, "Train the variants of a study's experiment, or go on with them, and draw them side by side."
    )
    added.add_argument("name", metavar="STUDY/NAME", help="dlcv2018/kl_weight, dlcv2018/penalty, ...: see `list`")
    training_flags(added)
    added.add_argument("--out", default="report", metavar="DIR", help="where the figure goes (default %(default)s)")

    added = command(reproduce, "Do a whole study: train all its models, or go on with them, then draw its figures.")
    added.add_argument("study", metavar="STUDY", help="dlcv2018, sullivan2017, csi5340, pegasus or digits")
    training_flags(added)
    added.add_argument("--out", default="report", metavar="DIR", help="where the figures go (default %(default)s)")

    help = "Prepare, verify, show or list data sets."
    actions = commands.add_parser("data", help=help, description=help, allow_abbrev=False).add_subparsers(
        required=True, metavar="ACTION"
    )
    for function, help in [
        (
            prepare,
            "Decode a data set once, in parallel, into the cache below $XDG_CACHE_HOME or ~/.cache; later runs read it from there.",
        ),
        (verify, "Name every file of a data set that is missing, unlabelled, damaged, of a wrong size or there twice."),
        (show, "Write a sheet of labelled examples."),
    ]:
        added = command(function, help, actions)
        added.add_argument("--dataset", metavar="NAME", required=True, help="see `data list`")
        data_flags(added)
        if function is show:
            choosing_flags(added)
            added.add_argument("--split", default="train", choices=("train", "test"), help="(default %(default)s)")
            added.add_argument("--out", metavar="FILE", help="the sheet, a PNG or JPEG (default NAME-SPLIT.png)")
    command(list_data, "Show every data set, what its folder must hold, and the flags that go with it.", actions)

    command(list_, "Show every model with its data, sizes, parameters, arguments and figures.")

    added = command(
        report,
        "Draw the figures of the runs that exist and a page that shows them, index.html; say which are missing and how to make them.",
    )
    added.add_argument(
        "runs", nargs="*", metavar="RUN", help="run folders (default: the last trained of each model below runs/)"
    )
    added.add_argument("--attribute", metavar="NAME", help="what fig1_5 is coloured by (default Male)")
    added.add_argument(
        "--out", default="report", metavar="DIR", help="where the figures and the page go (default %(default)s)"
    )
    best(added)

    added = command(score, "Measure a run: test errors of a VAE, how often an ACGAN's code switches its attribute.")
    added.add_argument("run", metavar="RUN")
    best(added)

    added = command(export, "Write a run's networks as SavedModels and prove them by reloading.")
    added.add_argument("run", metavar="RUN")
    added.add_argument("--out", metavar="DIR", help="where to (default RUN/exports)")
    best(added)

    arguments, rest = parser.parse_known_args(argv[1:])
    if rest and not hasattr(arguments, "epochs"):
        parser.error(f"unknown argument: {rest[0]}")
    arguments.extra = {}
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if not flag.startswith("--") or not (equals or rest):
            parser.error(f"expected --NAME VALUE, not {flag}")
        arguments.extra[flag[2:]] = value if equals else rest.pop(0)
    return arguments


def best(parser):
    """The flag of commands that read a run."""
    parser.add_argument(
        "--best",
        action="store_true",
        help="use the checkpoint with the best score, of a run trained with --score_every",
    )


def training_flags(parser):
    """Flags of every command that trains."""
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="faces, digits, ..., or one of tensorflow-datasets: see `data list`; the default is the study's stand-in",
    )
    data_flags(parser)
    choosing_flags(parser)
    parser.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="passes over the data; more than a finished run had goes on with it",
    )
    parser.add_argument("--batch_size", type=positive, metavar="N")
    parser.add_argument(
        "--schedule",
        metavar="NAME",
        help="of the learning rates over the epochs: constant, linear or cosine, or PLAYER=NAME,...",
    )
    parser.add_argument("--seed", type=seed, help="of weights, order and latents (default 0)")
    parser.add_argument(
        "--precision", metavar="TYPE", help="of the layers: float32, bfloat16 or float16 (default float32)"
    )
    parser.add_argument(
        "--ema", type=share, metavar="DECAY", help="draw pictures with a running average of the weights, as .999"
    )
    parser.add_argument(
        "--score_every",
        type=positive,
        metavar="EPOCHS",
        help="score the test set so often and keep the best checkpoint too",
    )
    parser.add_argument(
        "--early_stopping",
        type=positive,
        metavar="EPOCHS",
        help="score each epoch, and stop an autoencoder whose test error has not fallen for so long",
    )
    parser.add_argument(
        "--checkpoint_every",
        type=positive,
        metavar="N",
        help="iterations between checkpoints, beside those at each epoch's end",
    )
    parser.add_argument(
        "--keep", type=positive, metavar="K", help="how many of the newest checkpoints stay (default 2)"
    )
    parser.add_argument(
        "--sync_bn", action="store_true", default=None, help="normalize batches over all devices, not on each alone"
    )
    parser.add_argument(
        "--devices",
        type=devices,
        metavar="N|all",
        help="of this machine (default all GPUs); several machines: set TF_CONFIG",
    )
    parser.add_argument(
        "--jit", action="store_true", default=None, help="compile the training step with XLA; for a GPU"
    )
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write scalars and samples for TensorBoard into the run's tensorboard/",
    )
    parser.add_argument(
        "--profile", action="store_true", help="write a trace of ten iterations into the run's profile/"
    )
    parser.add_argument("--smoke", action="store_true", help="a toy-sized run of a few seconds")


def data_flags(parser):
    """Flags of how a data set is read."""
    parser.add_argument("--data_dir", metavar="DIR", help="folder of a data set that is not built in")
    parser.add_argument("--image_size", type=positive, metavar="PIXELS", help="side of the pictures, a power of two")
    parser.add_argument("--channels", type=int, choices=(1, 3), help="bring pictures to grey or to colour")
    parser.add_argument(
        "--crop",
        type=positive,
        metavar="PIXELS",
        help="side of the central square of CelebA's official pictures: 178, 148 or 108",
    )
    parser.add_argument(
        "--depth_unit", type=amount, metavar="METRES", help="what one step of a depth picture means, as .001 or 10/255"
    )
    parser.add_argument(
        "--skip_bad", action="store_true", help="leave out files that are missing or damaged, and say how many"
    )


def choosing_flags(parser):
    """Flags of which of its examples are read, and where they are kept."""
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="of a set with classes these alone, as bird,horse",
    )
    parser.add_argument("--examples", type=positive, metavar="N", help="use at most N pictures of each split")
    parser.add_argument(
        "--cache_gb",
        type=amount,
        metavar="GB",
        help="decode a set into the memory up to this size (default a quarter of it)",
    )


def amount(text):
    """A number above 0, or a fraction as 10/255."""
    try:
        value = float(fractions.Fraction(text))
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def share(text):
    """A number from 0 to below 1."""
    try:
        value = float(fractions.Fraction(text))
    except (ValueError, ZeroDivisionError):
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
    return value


def seed(text):
    """A whole number that fits 32 bits."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def devices(text):
    """A whole number from 1, or all."""
    return text if text == "all" else positive(text)


def positive(text):
    """A whole number from 1."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return value


def choices(arguments):
    """The training flags as a dict for `training.plan`."""
    from tfgen.runs import SETTINGS

    names = ["dataset", "data_dir", "image_size", "examples", "cache_gb", "epochs", "batch_size", "smoke", *SETTINGS]
    return {name: getattr(arguments, name) for name in names} | {"reading": reading(arguments)}


def reading(arguments):
    """The flags that say how a data set's files are read, less those not given."""
    options = {name: getattr(arguments, name, None) for name in ("only", "channels", "crop", "depth_unit", "skip_bad")}
    return {name: value for name, value in options.items() if value}


def train(arguments):
    """Plans and trains one run."""
    from tfgen import devices
    from tfgen.studies import find

    extra = find(arguments.study, arguments.model).convert(arguments.extra)
    strategy = devices.strategy(arguments.devices, alone=arguments.dry_run)
    run = plan(
        arguments,
        strategy,
        study=arguments.study,
        model=arguments.model,
        attribute=arguments.attribute,
        run=arguments.run,
        new=arguments.new,
        arguments=extra,
    )
    if arguments.dry_run:
        return 0
    if not finish(run, arguments, strategy):
        return 130
    if devices.is_chief(strategy):
        early = f", early: its test error had not fallen for {run.record['early_stopping']} epochs" * (
            run.iteration < run.iterations
        )
        print(
            f"Trained {run.iteration} iterations in {run.seconds:.0f} s{early}. Next:\n  python tfgen_cli.py score {run.folder}\n"
            f"  python tfgen_cli.py report {run.folder}\n  python tfgen_cli.py export {run.folder}"
        )
    return 0


def plan(flags, strategy, **choice):
    """The Run of the training flags and a choice of model; says what it trains."""
    from tfgen import devices, training

    chief = devices.is_chief(strategy)
    run = training.plan(**choices(flags), **choice, chief=chief)
    if not chief:
        return run
    source, size, record, model = run.training_source(), run.record["image_size"], run.record, run.build()
    print(
        f"{run.folder}: {record['study']} {record['model']} on {source.name}, {len(source)} pictures of {size}x{size}"
    )
    print("  parameters: " + ", ".join(f"{name} {count:,}" for name, count in model.parameters().items()))
    print(
        f"  {record['epochs']} epochs of {run.steps_per_epoch} iterations of {record['batch_size']} pictures"
        + f" on {strategy.num_replicas_in_sync} devices" * (strategy.num_replicas_in_sync > 1)
        + f", {run.iteration} of {run.iterations} iterations done"
    )
    print("  " + ", ".join(f"{name} {value}" for name, value in record["arguments"].items()))
    rates = training.schedules(record["schedule"], model.players)
    print("  learning rates " + ", ".join(f"{player} {rate}" for player, rate in rates.items()), flush=True)
    return run


def finish(run, arguments, strategy):
    """Trains a run to its end; says how to go on if it is stopped before."""
    from tfgen import devices, training

    done = training.train(run, strategy, arguments.tensorboard, arguments.profile)
    if not done and devices.is_chief(strategy):
        print(f"Stopped and saved at iteration {run.iteration} of {run.iterations}. To continue:\n  {run.command()}")
    return done


def experiment(arguments):
    """Trains an experiment's variants and compares them."""
    from tfgen import devices, report
    from tfgen.studies import find, find_experiment

    found = find_experiment(arguments.name)
    study = arguments.name.split("/")[0]
    folder = f"runs/{arguments.name}{'-smoke' if arguments.smoke else ''}"
    trained, strategy = {}, devices.strategy(arguments.devices)
    for label, (model, changes) in found.variants.items():
        own = re.sub(r"[^\w.-]+", "_", label)
        extra = find(study, model).convert(arguments.extra) | changes
        run = plan(arguments, strategy, study=study, model=model, arguments=extra, run=f"{folder}/{own}")
        if not finish(run, arguments, strategy):
            return 130
        trained[label] = run
    if devices.is_chief(strategy):
        print(report.compare(arguments.name, trained, arguments.out))
    return 0


def reproduce(arguments):
    """Trains every model of a study and draws its figures."""
    from tfgen import devices
    from tfgen.studies import find, models

    arguments.runs, arguments.best, arguments.attribute, strategy = [], False, None, devices.strategy(arguments.devices)
    for model in models(arguments.study):
        extra = find(arguments.study, model).convert(arguments.extra)
        run = plan(arguments, strategy, study=arguments.study, model=model, arguments=extra)
        if not finish(run, arguments, strategy):
            return 130
        arguments.runs.append(run.folder)
    return report(arguments) if devices.is_chief(strategy) else 0


def list_(arguments):
    """Prints every preset."""
    from tfgen import data
    from tfgen.studies import EXPERIMENTS, STUDIES

    for study, presets in STUDIES.items():
        for name, preset in presets.items():
            dataset = data.DATASETS[preset.data]
            model = preset.build((dataset.image_size, dataset.image_size, dataset.channels))
            conditions = f", told {', '.join(preset.attributes)}" if preset.attributes else ""
            print(f"{study} {name}: {preset.build.__doc__.splitlines()[0]}")
            print(
                f"  data        {preset.data} ({preset.split}) {dataset.image_size}x{dataset.image_size}x{dataset.channels}{conditions}"
            )
            print(f"  training    batch_size {preset.batch_size}, epochs {preset.epochs}")
            print("  parameters  " + ", ".join(f"{name} {count:,}" for name, count in model.parameters().items()))
            print("  arguments   " + ", ".join(f"--{name} {value}" for name, value in preset.defaults().items()))
            print("  figures     " + ", ".join(preset.figures) + "\n")
    print("data sets   " + ", ".join(data.DATASETS) + ": see `data list`")
    print("experiments " + ", ".join(EXPERIMENTS))
    return 0


def place(arguments):
    """The flags that say what data are read, as arguments of `tfgen.data`."""
    return {"name": arguments.dataset, "data_dir": arguments.data_dir, "image_size": arguments.image_size} | reading(
        arguments
    )


def prepare(arguments):
    """Decodes a data set into the cache."""
    from tfgen.data.prepare import prepare

    for split, folder, n, old, bad in prepare(**place(arguments)):
        for sentence in bad:
            print(f"left out: {sentence}", file=sys.stderr)
        print(
            f"{arguments.dataset}/{split}: {n} examples {'are already' if old else 'prepared'} in {folder}", flush=True
        )
    return 0


def verify(arguments):
    """Names everything that is wrong with a data set; exit code 1 if there is anything."""
    from tfgen.data.prepare import verify

    counts, sentences = verify(**place(arguments))
    for sentence in sentences:
        print(sentence)
    print(", ".join(f"{n} good examples in {split}" for split, n in counts.items()) + f"; {len(sentences)} complaints")
    return 1 if sentences else 0


def show(arguments):
    """Writes a sheet of labelled examples."""
    from tfgen import UserError, data, figures, report

    source = data.load(
        split=arguments.split, examples=arguments.examples or 64, cache_gb=arguments.cache_gb, **place(arguments)
    )
    path = pathlib.Path(arguments.out or f"{arguments.dataset.replace('/', '-')}-{arguments.split}.png")
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--out {path} is no picture's name: expected one that ends in .png or .jpg.")
    report.save(figures.examples(source, len(source)), report.make(path.parent) / path.name)
    print(f"{path}: the first {len(source)} examples of {source.name}")
    return 0


def list_data(arguments):
    """Prints every data set."""
    from tfgen.data import DATASETS, OPTIONS

    for name, dataset in DATASETS.items():
        print(
            f"{name:14s} {dataset.image_size}x{dataset.image_size}x{dataset.channels}, "
            + (f"--data_dir with {dataset.folder}" if dataset.folder else "built in")
        )
        if dataset.options:
            print(f"{'':14s} " + ", ".join(f"--{option}" for option in dataset.options))
        if dataset.catalog:
            print(f"{'':14s} without --data_dir, or if it holds it prepared: tensorflow-datasets")
    for option, meaning in OPTIONS.items():
        print(f"--{option}: {meaning}")
    print("Any other name is looked for in tensorflow-datasets: celeb_a, nyu_depth_v2, svhn_cropped, ...")
    return 0


def report(arguments):
    """Draws the figures and the page, says where each came from, and what is missing."""
    from tqdm import tqdm

    from tfgen import report

    chosen, complaints = report.readable(arguments.runs, arguments.best)
    entries = report.entries(chosen, attribute=arguments.attribute)
    if arguments.runs:
        complaints += report.left_out(chosen, entries)
    for complaint in complaints:
        print(f"tfgen_cli.py: left out: {complaint}", file=sys.stderr)
    folder = report.make(arguments.out)
    with tqdm(total=sum(bool(entry.runs) for entry in entries) + 1, unit="figure", leave=False, disable=None) as bar:
        for entry in filter(lambda entry: entry.runs, entries):
            bar.set_description(entry.names[0])
            report.draw(entry, folder)
            bar.update()
            for name in [] if entry.problem else entry.names:
                tqdm.write(f"{folder / name} from {', '.join(str(run.folder) for run in entry.runs)}")
        bar.set_description("the page")
        words = [
            *map(str, arguments.runs),
            *(["--best"] if arguments.best else []),
            *(["--attribute", arguments.attribute] if arguments.attribute else []),
        ]
        page = report.page(
            entries, chosen, folder, complaints, shlex.join(["python", "tfgen_cli.py", "report", *words])
        )
    print(page)
    for command, names in report.missing(entries).items():
        print(f"missing {', '.join(names)}: {command}")
    failed = [entry for entry in entries if entry.problem]
    for entry in failed:
        print(f"tfgen_cli.py: {', '.join(entry.names)} could not be drawn: {entry.problem}", file=sys.stderr)
    return 2 if failed or complaints else 0


def score(arguments):
    """Measures a run, prints the numbers and keeps them beside it."""
    from tfgen import runs

    run = runs.Run.open(arguments.run, arguments.best)
    numbers = run.preset.score(run, run.model)
    runs.write_json(run.folder / "scores.json", {"iteration": run.restored} | numbers)
    for name, value in numbers.items():
        print(f"{name:28s} {value:.6g}")
    return 0


def export(arguments):
    """Exports a run and prints how exactly the reloaded networks agree."""
    from tfgen import export, runs

    for path, difference in export.export(runs.Run.open(arguments.run, arguments.best), arguments.out).values():
        print(f"{path}: reloaded, largest difference {difference:.2g} for batches of 1 and 17")
    return 0


def run():
    """The console script `tfgen`."""
    app.run(main, flags_parser=parse)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
