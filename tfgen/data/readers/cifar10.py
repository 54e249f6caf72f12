"""CIFAR-10: 32x32 colour pictures in ten classes, five batches to train with and one to test, binary or pickled; or its
class folders.
"""

import dataclasses
import os
import pathlib
import pickletools

import numpy as np

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.readers import folder
from tfgen.data.source import Source

SIDE = 32
PIXELS = 3 * SIDE * SIDE
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MOST = 64_000_000  # bytes of a batch, twice the real one's
STEPS = 1_000_000  # opcodes of a pickle, thirty times the real one's: each can make an object of 100 bytes
LAYOUT = (
    "expected --data_dir to hold the five data batches and the test batch of CIFAR-10, unpacked, or train/ and test/ with a folder of "
    "pictures for each class; restore them or correct the path"
)
# The only names a pickled batch may hold: those of NumPy's arrays, and of the bytes that Python 3 writes for Python 2.
# None is looked up.
NAMES = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}


def load(split, data_dir, image_size=SIDE, examples=None):
    """Reads one split, "train" or "test", in the order of its batches.

    The binary batches are looked for first, in the folder and in cifar-10-batches-bin/ below it, then the pickled ones,
    there and in cifar-10-batches-py/, then class folders, which `tfgen.data.readers.folder` reads.

    Args:
        split: chooses the five batches or the one.
        data_dir: folder of all six, or of train/ and test/.
        image_size: side of the pictures. 32 leaves them as they are, any other brings them to it with an anti-aliased
            filter.
        examples: only the first so many; None is all. The batches are checked as a whole all the same.

    Returns:
        Source with images (n, image_size, image_size, 3), labels 0 to 9 and the names of the classes.

    Raises:
        UserError: for a batch that is missing, damaged or holds something else than pictures and labels; it names the
            file.
    """
    data_dir = pathlib.Path(data_dir)
    pictures.names_in(data_dir, LAYOUT)
    batches, read = find(data_dir, split)
    if not batches:
        return folder.load(split, data_dir, image_size, examples)
    planes, labels = (np.concatenate(parts) for parts in zip(*map(read, batches), strict=True))
    images = (
        planes[:examples].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    )  # a picture's red, then its green, then its blue
    images = pictures.lanczos(np.ascontiguousarray(images), image_size)
    labels = labels[:examples].astype(np.int32)
    return Source(
        f"cifar10/{split} in {data_dir}", images, np.zeros((len(images), 0), np.uint8), labels=labels, classes=CLASSES
    )


def find(data_dir, split):
    """(paths of the split's batches, function that reads one); no paths if there are class folders instead.

    Raises:
        UserError: if one of the six batches is missing, whichever the split, or there is neither a batch nor a class
            folder.
    """
    for ending, below, read in (
        (".bin", "cifar-10-batches-bin", read_binary),
        ("", "cifar-10-batches-py", read_pickled),
    ):
        names = {"train": [f"data_batch_{i}{ending}" for i in range(1, 6)], "test": [f"test_batch{ending}"]}
        for place in (data_dir, data_dir / below):
            paths = {part: [place / name for name in names[part]] for part in names}
            missing = [path for path in paths["train"] + paths["test"] if not os.path.isfile(path)]
            if not missing:
                return paths[split], read
            if any(map(os.path.exists, paths["train"] + paths["test"])):
                raise UserError(f"there is no file {missing[0]}: {LAYOUT}.")
    if not any(os.path.isdir(data_dir / part) for part in ("train", "test")):
        raise UserError(f"{data_dir} holds neither a batch nor train/ nor test/: {LAYOUT}.")
    return [], None


def read_binary(path):
    """A binary batch: planes (n, 3072) uint8 and labels (n,). Raises UserError, naming it, if it is not one."""
    content, record = read_bytes(path), 1 + PIXELS
    if not content or len(content) % record:
        raise UserError(
            f"{path} holds {len(content)} bytes: expected a multiple of {record}, a label and {PIXELS} of a picture; restore the file."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    pictures.check_labels(records[:, 0], CLASSES, path)
    return records[:, 1:], records[:, 0]


def read_pickled(path):
    """A pickled batch: planes (n, 3072) uint8 and labels (n,).

    Raises UserError, naming it, if it is not one; nothing in it is executed.
    """
    expected = (
        f"expected a pickle of data, {PIXELS} bytes a picture in a NumPy array, and a list of labels; restore the file"
    )
    try:
        batch = unpickle(read_bytes(path))
    except Refused as error:
        raise UserError(f"{path} {error}: {expected}.") from None
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # of pickletools, or what opcodes out of place make of the stack
        raise UserError(f"{path} is no pickle, or a damaged one: {expected}.") from None
    for key in ("data", "labels"):
        if not isinstance(batch, dict) or key not in batch:
            raise UserError(f"{path} holds no {key}: {expected}.")
    match batch["data"]:
        # The state that numpy.ndarray.__reduce__ gives: version, shape, dtype, whether in Fortran's order, bytes.
        case Call("array", state=(_, (int(n), 3072), Call("dtype", ("u1" | b"u1", *_)), False, bytes(content))) if (
            0 < n * PIXELS == len(content)
        ):
            planes = np.frombuffer(content, np.uint8).reshape(n, PIXELS)
        case _:
            raise UserError(f"{path} holds other data: {expected}.")
    labels = batch["labels"]
    if not isinstance(labels, list) or len(labels) != n or not all(type(label) is int for label in labels):
        raise UserError(f"{path} holds other labels than one number for each of its {n} pictures: {expected}.")
    labels = np.array(labels)
    pictures.check_labels(labels, CLASSES, path)
    return planes, labels


def read_bytes(path):
    """The content of a batch. Raises UserError, naming it, if it cannot be read or is larger than any batch."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST + 1)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): expected a batch of CIFAR-10; make it readable."
        ) from None
    if len(content) > MOST:
        raise UserError(
            f"{path} holds more than {MOST} bytes: expected a batch of CIFAR-10, about 31,000,000; restore the file."
        )
    return content


class Refused(ValueError):
    """What a pickle asks for that no batch needs, as the end of a sentence about its file."""


@dataclasses.dataclass(eq=False)
class Call:
    """A name in a pickle, and what the pickle says to call it with and to set its state to; nobody does."""

    name: str
    arguments: tuple = ()
    state: object = None


def unpickle(content):
    """The object in a pickle of dicts, lists, tuples, strings, numbers and NumPy arrays, these as Calls.

    `pickle` executes what a pickle says, and its C version can be made to fill the memory even where find_class refuses
    every name. This is the part of its stack machine that batches need, over opcodes that `pickletools` has parsed: it
    makes plain objects and nothing else. Every protocol's batches can be read but 0's, which is text, and 5's, which
    has other opcodes for arrays.

    Raises:
        Refused: for any other opcode and any other name than NAMES.
        ValueError, LookupError, TypeError, AttributeError: for a pickle that ends early or does not fit together.
    """
    stack, marks, memo = [], [], {}
    for step, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if step == STEPS:
            raise Refused(f"is a pickle of more than {STEPS} opcodes")
        name = opcode.name
        if name in OPERANDS:
            start = len(stack) - OPERANDS[name] if OPERANDS[name] else marks.pop()
            operands = stack[start:]
            del stack[start:]
        match name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                marks.append(len(stack))
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                memo[len(memo) if argument is None else argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case "BININT" | "BININT1" | "BININT2" | "SHORT_BINBYTES" | "BINBYTES" | "SHORT_BINUNICODE" | "BINUNICODE":
                stack.append(argument)
            case "SHORT_BINSTRING" | "BINSTRING":
                stack.append(argument.encode("latin-1"))
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}[name])
            case "TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(operands))
            case "APPEND" | "APPENDS":
                stack[-1].extend(operands)
            case "SETITEM" | "SETITEMS":
                stack[-1].update(zip(map(text, operands[::2]), operands[1::2], strict=True))
            case "GLOBAL":
                stack.append(named(argument))
            case "STACK_GLOBAL":
                stack.append(named(" ".join(operands)))
            case "REDUCE":
                stack.append(called(*operands))
            case "BUILD":
                state = stack.pop()
                if not isinstance(stack[-1], Call):
                    raise Refused("is a pickle that sets the state of what is no NumPy array")
                stack[-1].state = state
            case _:
                raise Refused(f"is a pickle with the opcode {name}, which no batch needs")


# How many objects an opcode takes off the stack; 0 is all from the last mark on.
OPERANDS = {
    "TUPLE": 0,
    "TUPLE1": 1,
    "TUPLE2": 2,
    "TUPLE3": 3,
    "APPENDS": 0,
    "APPEND": 1,
    "SETITEMS": 0,
    "SETITEM": 2,
    "STACK_GLOBAL": 2,
    "REDUCE": 2,
}


def text(key):
    """A key of Python 2's, which is bytes, as a string.

    Raises TypeError for other keys: hashing deep tuples of tuples could take for ever.
    """
    if not isinstance(key, bytes | str):
        raise TypeError(type(key))
    return key.decode("latin-1") if isinstance(key, bytes) else key


def named(name):
    """The Call for "module name". Raises Refused for all but NAMES."""
    if name not in NAMES:
        raise Refused(f"is a pickle that asks for {name[:80]!r}, which no batch needs")
    return Call(NAMES[name])


def called(function, arguments):
    """The Call of a Call, or the bytes that it encodes. Raises Refused if the pickle calls something else."""
    match function, arguments:
        case Call("encode"), (str(characters), "latin1"):
            return characters.encode("latin-1")
        case Call("array" | "dtype" as name), tuple():
            return Call(name, arguments)
    raise Refused("is a pickle that calls what makes no NumPy array")
