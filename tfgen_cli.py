#!/usr/bin/env python3
"""Trains, evaluates, draws and exports classic generative image models."""

import argparse
import sys
from typing import Any

try:
    from tfgen import commands, program, settings
except ImportError as error:  # another Keras backend, or other settings of Keras
    print(f"tfgen: {error}", file=sys.stderr)
    sys.exit(2)
from tfgen.flags import Parser
from tfgen.settings import DataSettings, TrainingSettings

RENAMED = {"score": "evaluate", "--score_every": "--evaluate_every"}  # until 0.3
READING = ("data_dir", "image_size", "channels", "crop", "depth_unit", "white", "skip_bad")


def parse(argv: list[str]) -> argparse.Namespace:
    """Parses the command line into `command`, the function to call, its arguments, and `extra`, a model's."""
    program.typed(argv[0])
    words = [_renamed(word) if i == 0 or word.startswith("--") else word for i, word in enumerate(argv[1:])]
    parser = Parser(prog=program.command(), description=__doc__)
    parser.add_commands("COMMAND", [
        ("train", train, "Train a model; the same command resumes an interrupted run."),
        ("experiment", experiment, "Train or resume the variants of a study's experiment, and compare them."),
        ("reproduce", reproduce, "Train or resume all models and experiments of a study, and draw its figures."),
        ("data", None, "List, verify, prepare or show data sets."),
        ("list", list_, "List all models with their data, sizes, parameters, arguments and figures."),
        ("report", report, "Draw the figures of finished runs, write a page with them, and print what is missing."),
        ("evaluate", evaluate, "Evaluate runs on their test sets, beside simple rivals."),
        ("compare", compare, "Compare the scores of several runs in one table."),
        ("sample", sample, "Generate pictures with a run, by their seeds, and write them as PNG files."),
        ("reconstruct", reconstruct, "Encode and decode your own pictures with an autoencoder, and write the codes."),
        ("interpolate", interpolate, "Mix two of your own pictures in the latent space of an autoencoder."),
        ("depth", depth, "Predict the depth of your own color pictures."),
        ("explore", explore, "Write a page that generates pictures in the browser, with sliders."),
        ("export", export, "Export a run as SavedModels, ONNX or Keras files, and check them by reloading."),
    ])  # fmt: skip
    added = parser.commands["train"]
    added.add_argument("--model", required=True, metavar="NAME", help="vae, gan, acgan, ...; see `list`")
    text = "study whose layers, losses and settings to use (default: %(default)s)"
    added.add_argument("--study", default=settings.DEFAULT_STUDY, metavar="NAME", help=text)
    added.add_argument("--attribute", metavar="NAME", help="attribute to condition an ACGAN on (default: Smiling)")
    added.add_path("--run", "run folder (default: runs/MODEL-DATASET)")
    text = "if the run folder exists, start a new run and append -2, -3, ... to its name"
    added.add_argument("--new", action="store_true", help=text)
    minutes = (
        "how long training may take on this machine; sets the number of epochs from the time of the first iterations"
    )
    added.add_value("--minutes", settings.AMOUNT.named("N"), minutes)
    text = "check everything, and print what would be trained and how long it would take, without writing anything"
    added.add_argument("--dry_run", action="store_true", help=text)
    added.add_training()

    added = parser.commands["experiment"]
    added.add_argument("name", metavar="STUDY/NAME", help="dlcv2018/kl_weight, dlcv2018/penalty, ...; see `list`")
    added.add_path("--out", "folder for the figure (default: %(default)s)", default="report")
    added.add_value("--minutes", settings.AMOUNT.named("N"), f"{minutes}, for each variant")
    added.add_training()

    added = parser.commands["reproduce"]
    added.add_argument("study", metavar="STUDY", help="dlcv2018, sullivan2017, csi5340, pegasus, digits or modern")
    text = "attribute to condition on, for models that are conditioned on attributes (default: as in the study)"
    added.add_argument("--attribute", metavar="NAME", help=text)
    added.add_path("--out", "folder for the figures (default: %(default)s)", default="report")
    added.add_training()

    data = parser.commands["data"]
    text = "Decode a data set once, in parallel, and cache it in $XDG_CACHE_HOME or ~/.cache for later runs."
    data.add_commands("ACTION", [
        ("list", data_list, "List all data sets, what their folders must hold, and their flags."),
        ("verify", verify, "List files that are missing, unlabeled, damaged, duplicated, or of the wrong size."),
        ("prepare", prepare, text),
        ("show", show, "Write a picture with a grid of labeled examples."),
        ("cache", None, "List or clear prepared data sets and classifiers."),
    ])  # fmt: skip
    data.commands["cache"].add_commands("ACTION", [
        ("list", cache_list, "List prepared data sets and classifiers, and their sizes."),
        ("clear", cache_clear, "Remove all of them; they are made again when they are needed."),
    ])  # fmt: skip
    for name in ("verify", "prepare", "show"):
        added = data.commands[name]
        added.add_argument("--dataset", required=True, metavar="NAME", help="see `data list`")
        added.add_settings(DataSettings, *READING, *(["only", "examples", "cache_gb"] if name == "show" else []))
    added.add_argument(
        "--split", default="train", choices=("train", "test"), help="split to show (default: %(default)s)"
    )
    added.add_path("--out", "PNG or JPEG file to write (default: NAME-SPLIT.png)", metavar="FILE")

    added = parser.commands["report"]
    text = "run folders (default: the most recent run of each model in runs/)"
    added.add_path("runs", text, nargs="*", metavar="RUN")
    added.add_argument("--attribute", metavar="NAME", help="what to color fig1_5 by (default: Male)")
    added.add_path("--out", "folder for the figures and the page (default: %(default)s)", default="report")
    text = (
        "network on whose features pictures are compared: a .keras or .onnx file, or a SavedModel (default: a "
        "classifier that is trained on the data set)"
    )
    for name in ("evaluate", "compare"):
        added = parser.commands[name]
        added.add_path("runs", "run folders", nargs="+", metavar="RUN")
        added.add_path("--features", text, metavar="FILE")
    added.add_path("--out", "CSV file to write too", metavar="FILE")
    parser.commands["explore"].add_path("run", "run folder", metavar="RUN")
    parser.commands["explore"].add_path("--out", "HTML file to write (default: RUN/explorer.html)", metavar="FILE")
    parser.commands["export"].add_path("run", "run folder", metavar="RUN")
    text = "format to write (default: saved_model); give the flag again for another one"
    parser.commands["export"].add_argument("--format", choices=settings.FORMATS, action="append", help=text)
    parser.commands["export"].add_path("--out", "folder to write to (default: RUN/exports)")
    _add_pictures(parser)
    for name in ("report", "evaluate", "compare", "explore", "export", "sample", "reconstruct", "interpolate", "depth"):
        text = "use the checkpoint with the best score (default for runs that were trained with --evaluate_every)"
        parser.commands[name].add_argument("--best", action="store_true", default=None, help=text)
        text = "use the newest checkpoint (default for other runs)"
        parser.commands[name].add_argument("--newest", action="store_false", default=None, dest="best", help=text)
        if name in ("report", "evaluate", "compare", "sample"):
            parser.commands[name].add_path("--data_dir", "folder of the data set, if it was moved after training")
    return parser.parse(words)


def _renamed(word: str) -> str:
    """A command or a flag, which may have =VALUE, by its name of today."""
    name, equals, value = word.partition("=")
    return RENAMED.get(name, name) + equals + value


def _add_pictures(parser: Parser) -> None:
    """Adds the arguments of the commands that write pictures."""
    for name, folder in (
        ("sample", "generated"), ("reconstruct", "reconstructed"), ("interpolate", "interpolated"), ("depth", "depth")
    ):  # fmt: skip
        added = parser.commands[name]
        added.add_path("run", "run folder", metavar="RUN")
        if name in ("reconstruct", "depth"):
            text = "pictures of any size; their central squares are used"
            added.add_path("pictures", text, nargs="+", metavar="PICTURE")
        added.add_path("--out", f"new or empty folder to write to (default: RUN/{folder})")
    added = parser.commands["sample"]
    added.add_value("--seeds", settings.SEEDS, "a picture for each of these seeds (default: 0-63)")
    added.add_argument("--label", metavar="CLASS", help="class of a CGAN, its number or name (default: random)")
    text = "value of an attribute of an ACGAN, from 0 to 1 (default: random)"
    added.add_value("--attribute", settings.ASSIGNED, text, action="append", dest="attributes")
    text = "value of a code of an InfoGAN, both counted from 0 (default: random)"
    added.add_value("--code", settings.NUMBERED, text, action="append", dest="codes")
    text = "factor of the latents; below 1, pictures are more typical and less varied (default: 1)"
    added.add_value("--truncation", settings.AMOUNT.named("FACTOR"), text)
    added.add_value("--between", settings.PAIR, "write a strip from one seed to another instead")
    added = parser.commands["interpolate"]
    added.add_path("first", "picture of any size; its central square is used", metavar="A")
    added.add_path("last", "the other picture", metavar="B")
    for name in ("sample", "interpolate"):
        added = parser.commands[name]
        added.add_value("--steps", settings.STEPS, "pictures from one to the other (default: 9)")
        added.add_argument("--animation", choices=("gif", "webp"), help="also write them as an animation")


def given(arguments: argparse.Namespace, *names: str) -> dict:
    """The keyword arguments for a function of `commands`: the given settings, the model's arguments, and `names`."""
    taken = {"say", "model", "study", "name", "dataset", "arguments"} & arguments.extra.keys()
    if taken:  # no model's argument, but a parameter of the function
        arguments.parser.error(f"unknown flag --{min(taken)}")
    names = (*settings.described(DataSettings), *settings.described(TrainingSettings), *names)
    values = {name: getattr(arguments, name, None) for name in names}
    return arguments.extra | {name: value for name, value in values.items() if value is not None}


# One function for each command: it prints the result and returns the exit code.


def train(arguments: argparse.Namespace) -> int:
    """Trains a run and prints what to do next."""
    names = ("attribute", "run", "new", "smoke", "dry_run", "minutes")
    run = commands.train(arguments.model, arguments.study, **given(arguments, *names))
    if run.chief and not arguments.dry_run:
        patience = run.settings.training.early_stopping
        stopped = run.iteration < run.iterations
        early = (
            f", stopping early because the validation error had not improved for {patience} epochs" if stopped else ""
        )
        print(f"Trained {run.iteration} iterations in {run.seconds:.0f} s{early}. Next:")
        for word in ("evaluate", "report", "export"):
            print(f"  {program.command(word, run.folder)}")
    return 0


def experiment(arguments: argparse.Namespace) -> int:
    """Compares variants and prints the path of the figure."""
    _, figure = commands.experiment(arguments.name, **given(arguments, "out", "smoke", "minutes"))
    if figure:
        print(figure)
    return 0


def reproduce(arguments: argparse.Namespace) -> int:
    """Trains a study and prints its report."""
    _, made = commands.reproduce(arguments.study, **given(arguments, "attribute", "out", "smoke"))
    return _print_report(made) if made else 0


def report(arguments: argparse.Namespace) -> int:
    """Draws figures and prints their paths."""
    return _print_report(commands.report(arguments.runs, **_given(arguments, "out", "best", "attribute", "data_dir")))


def _print_report(made: commands.Report) -> int:
    for complaint in made.complaints:
        program.tell(f"left out: {complaint}")
    for figure, runs in made.drawn.items():
        print(f"{figure} from {', '.join(str(run.folder) for run in runs)}")
    print(made.page)
    for line, names in made.missing.items():
        print(f"missing {', '.join(names)}: {line}")
    for entry in made.failed:
        program.tell(f"{', '.join(entry.names)} could not be drawn: {entry.problem}")
    return 2 if made.failed or made.complaints else 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Prints the numbers of runs, beside those of their rivals."""
    several = len(arguments.runs) > 1
    try:
        for run, numbers in commands.evaluate_all(arguments.runs, **_given(arguments, "features", "best", "data_dir")):
            print(f"{run}\n" * several + commands.describe_score(run, numbers, arguments.features, arguments.data_dir))
            print(end="\n" * several, flush=True)
    except commands.NotKept as error:
        print(commands.describe_score(error.run, error.numbers, arguments.features, arguments.data_dir))
        raise
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Prints a table with a column for each run."""
    made = commands.compare(arguments.runs, **_given(arguments, "out", "features", "best", "data_dir"))
    texts = made.texts()
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    for note in made.notes:
        print(note)
    return 0


def sample(arguments: argparse.Namespace) -> int:
    """Prints the paths of generated pictures."""
    names = ("seeds", "label", "truncation", "between", "steps", "animation", "out", "best", "data_dir")
    chosen = _given(arguments, *names)
    for name in ("attributes", "codes"):
        chosen[name] = dict(getattr(arguments, name) or ())
    return _print_paths(commands.sample(arguments.run, **chosen))


def reconstruct(arguments: argparse.Namespace) -> int:
    """Prints the paths of codes and reconstructions."""
    return _print_paths(commands.reconstruct(arguments.run, arguments.pictures, **_given(arguments, "out", "best")))


def interpolate(arguments: argparse.Namespace) -> int:
    """Prints the path of a strip of pictures."""
    options = _given(arguments, "steps", "animation", "out", "best")
    return _print_paths(commands.interpolate(arguments.run, arguments.first, arguments.last, **options))


def depth(arguments: argparse.Namespace) -> int:
    """Prints the paths of predicted depth."""
    return _print_paths(commands.depth(arguments.run, arguments.pictures, **_given(arguments, "out", "best")))


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The values of those flags that were given."""
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def _print_paths(paths: list) -> int:
    """Prints the paths; of many pictures, only the first, the last and their sheet."""
    shown = paths if len(paths) <= 8 else [paths[0], "...", *paths[-2:]]
    print(*shown, sep="\n")
    return 0


def explore(arguments: argparse.Namespace) -> int:
    """Prints the path of the page."""
    print(commands.explore(arguments.run, **_given(arguments, "out", "best")))
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Prints the path of each network and how much its outputs changed on reloading."""
    for written, difference in commands.export(arguments.run, **_given(arguments, "format", "out", "best")).values():
        print(f"{written}: outputs after reloading differ by at most {difference:.2g} (batches of 1 and 17)")
    return 0


def list_(arguments: argparse.Namespace) -> int:
    """Prints all models, data sets and experiments."""
    datasets = commands.list_datasets()
    for (study, model), preset in commands.list_models().items():
        dataset = datasets[preset.data]
        size = f"{dataset.image_size}x{dataset.image_size}x{dataset.channels}"
        conditions = f", conditioned on {', '.join(preset.attributes)}" if preset.attributes else ""
        print(f"{study} {model}: {preset.description}")
        print(f"  data        {preset.data} ({preset.split}) {size}{conditions}")
        print(f"  training    {preset.length}, batch_size {preset.batch_size}")
        print("  parameters  " + ", ".join(f"{name} {count:,}" for name, count in preset.parameters.items()))
        print("  arguments   " + ", ".join(f"--{name} {value}" for name, value in preset.defaults().items()))
        print("  figures     " + ", ".join(preset.figures) + "\n")
    print(f"data sets   {', '.join(datasets)}; see `data list`")
    print("experiments " + ", ".join(commands.list_experiments()))
    return 0


def data_list(arguments: argparse.Namespace) -> int:
    """Prints all data sets."""
    described = settings.described(DataSettings)
    options: dict[str, str] = {}
    for name, dataset in commands.list_datasets().items():
        place = f"from --data_dir DIR: {dataset.folder}" if dataset.folder else "built in"
        print(f"{name:14s} {dataset.image_size}x{dataset.image_size}x{dataset.channels}, {place}")
        options |= {option: described[option][1].help for option in dataset.options}
        if dataset.options:
            print(f"{'':14s} " + ", ".join(f"--{option}" for option in dataset.options))
        if dataset.catalog:
            print(f"{'':14s} from tensorflow-datasets if there is no --data_dir, or if DIR contains its prepared data")
    for option, meaning in options.items():
        print(f"--{option}: {meaning}")
    print("Any other name is looked up in tensorflow-datasets: celeb_a, nyu_depth_v2, svhn_cropped, ...")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Prints the problems of a data set; the exit code is 1 if there are any."""
    counts, bad, ignored = commands.verify(**given(arguments))
    for sentence in bad:
        print(sentence)
    for sentence in ignored:
        print(f"ignored: {sentence}")
    print(", ".join(f"{n} good examples in {split}" for split, n in counts.items()) + f"; {len(bad)} problems")
    return 1 if bad else 0


def prepare(arguments: argparse.Namespace) -> int:
    """Prints how many examples of each split are in the cache."""
    for done in commands.prepare(**given(arguments)):
        for sentence in done.bad:
            program.tell(f"skipped: {sentence}")
        what = "are already" if done.already else "prepared"
        print(f"{arguments.dataset}/{done.split}: {done.examples} examples {what} in {done.folder}")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Prints the path of the picture of examples."""
    sheet, source = commands.show(**given(arguments, "split", "out"))
    print(f"{sheet}: the first {len(source)} examples of {source.name}")
    return 0


def cache_list(arguments: argparse.Namespace) -> int:
    """Prints what is in the cache."""
    _print_cache(commands.cached(), "")
    return 0


def cache_clear(arguments: argparse.Namespace) -> int:
    """Clears the cache, and prints what was in it."""
    _print_cache(commands.clear_cache(), "removed ")
    return 0


def _print_cache(entries: list, done: str) -> None:
    for entry in entries:
        size = f", {entry.image_size}x{entry.image_size}" if entry.image_size else ""
        what = f"{entry.name}{size}" if entry.name else "incomplete"
        print(f"{done}{entry.folder}: {what}, {entry.nbytes / 1e6:,.1f} MB")
    print(f"{done}{len(entries)} entries, {sum(entry.nbytes for entry in entries) / 1e6:,.1f} MB")


# The program.


def main(arguments: argparse.Namespace) -> int:
    """Runs one command and returns the exit code; bad input prints one sentence on stderr and is 2."""
    try:
        if arguments.command not in (data_list, cache_list, cache_clear):
            program.start_tensorflow()
        return arguments.command(arguments)
    except commands.Interrupted as stop:
        if stop.run.chief:
            print(f"{str(stop).capitalize()}. To continue:\n  {stop.run.command()}")
        return 130
    except KeyboardInterrupt:
        program.tell("interrupted.")
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        sentence = program.fault(error)
        if sentence is None:
            raise
        program.tell(sentence)
        return 2


def run() -> None:
    """The console script `tfgen`."""
    sys.exit(program.until_closed(lambda: main(parse(sys.argv))))


if __name__ == "__main__":
    run()
