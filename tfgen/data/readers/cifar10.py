"""CIFAR-10: 32x32 color pictures in ten classes, as five training batches and a test batch, binary or pickled, or as a
folder for each class.
"""

import dataclasses
import os
import pathlib
import pickletools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.readers import folder
from tfgen.data.source import Source

Batch: TypeAlias = tuple[np.ndarray, np.ndarray]  # planes (n, 3072) uint8, labels (n,)

SIDE = 32
PIXELS = 3 * SIDE * SIDE
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MOST = 64_000_000  # bytes of a batch, twice as many as CIFAR-10's have
STEPS = 1_000_000  # opcodes of a pickle, thirty times as many as CIFAR-10's have: each can make an object of 100 bytes
LAYOUT = (
    "expected --data_dir to contain the five data batches and the test batch of CIFAR-10, unpacked, or train/ and "
    "test/ "
    "with a folder of pictures for each class; restore them or correct the path"
)
# The only names that a pickled batch may contain: those of NumPy's arrays, and of the bytes that Python 3 writes for
# Python 2. None of them is looked up.
NAMES = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}


def load(split: str, data_dir: str | pathlib.Path, image_size: int = SIDE, examples: int | None = None) -> Source:
    """Reads one split, "train" or "test", in the order of its batches.

    It looks for binary batches in the folder and in cifar-10-batches-bin/ in it, then for pickled ones in the folder
    and in cifar-10-batches-py/, then for class folders, which `tfgen.data.readers.folder` reads.

    Args:
        split: chooses the five training batches or the test batch.
        data_dir: folder of all six batches, or of train/ and test/.
        image_size: side of the pictures. 32 keeps them as they are, any other size resizes them with an anti-aliased
            filter.
        examples: read at most this many examples; None for all. The whole batches are checked in any case.

    Returns:
        Source with images (n, image_size, image_size, 3), labels 0 to 9 and the names of the classes.

    Raises:
        UserError: naming the file, if a batch is missing, damaged or contains anything but pictures and labels.
    """
    data_dir = pathlib.Path(data_dir)
    pictures.names_in(data_dir, LAYOUT)
    found = find(data_dir, split)
    if not found:
        return folder.load(split, data_dir, image_size, examples)
    batches, read = found
    planes, labels = (np.concatenate(parts) for parts in zip(*map(read, batches), strict=True))
    # A batch has the red plane of a picture, then the green, then the blue.
    images = planes[:examples].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    images = pictures.lanczos(np.ascontiguousarray(images), image_size)
    labels = labels[:examples].astype(np.int32)
    return Source(
        f"cifar10/{split} in {data_dir}", images, np.zeros((len(images), 0), np.uint8), labels=labels, classes=CLASSES
    )


def find(data_dir: pathlib.Path, split: str) -> tuple[list[pathlib.Path], Callable[[pathlib.Path], Batch]] | None:
    """(paths of the split's batches, function that reads one), or None if there are class folders instead.

    Raises:
        UserError: if some of the six batches are missing, or there are neither batches nor class folders.
    """
    kinds = ((".bin", "cifar-10-batches-bin", read_binary), ("", "cifar-10-batches-py", read_pickled))
    for ending, below, read in kinds:
        names = {"train": [f"data_batch_{i}{ending}" for i in range(1, 6)], "test": [f"test_batch{ending}"]}
        for place in (data_dir, data_dir / below):
            paths = {part: [place / name for name in names[part]] for part in names}
            missing = [path for path in paths["train"] + paths["test"] if not os.path.isfile(path)]
            if not missing:
                return paths[split], read
            if any(map(os.path.exists, paths["train"] + paths["test"])):
                raise UserError(f"there is no file {missing[0]}: {LAYOUT}.")
    folders = [name for name in pictures.names_in(data_dir, LAYOUT) if os.path.isdir(data_dir / name)]
    if not pictures.split_folders(folders, data_dir):
        raise UserError(f"{data_dir} contains neither batches nor train/ and test/: {LAYOUT}.")
    return None


def read_binary(path: pathlib.Path) -> Batch:
    """Reads a binary batch. Raises UserError, naming the file, if it is not one."""
    content, record = read_bytes(path), 1 + PIXELS
    if not content or len(content) % record:
        raise UserError(
            f"{path} contains {len(content)} bytes: expected a multiple of {record}, 1 for a label and {PIXELS} for a "
            "picture; restore the file."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    pictures.check_labels(records[:, 0], CLASSES, path)
    return records[:, 1:], records[:, 0]


def read_pickled(path: pathlib.Path) -> Batch:
    """Reads a pickled batch without executing anything in it. Raises UserError, naming the file, if it is not one."""
    expected = (
        f"expected a pickle of data, a NumPy array with {PIXELS} bytes a picture, and labels, a list; restore the file"
    )
    try:
        batch = unpickle(read_bytes(path))
    except Refused as error:
        raise UserError(f"{path} {error}: {expected}.") from None
    except (ValueError, LookupError, TypeError, AttributeError):  # from pickletools, or from opcodes out of place
        raise UserError(f"{path} is not a pickle, or is damaged: {expected}.") from None
    for key in ("data", "labels"):
        if not isinstance(batch, dict) or key not in batch:
            raise UserError(f"{path} does not contain {key}: {expected}.")
    match batch["data"]:
        # The state that numpy.ndarray.__reduce__ gives: version, shape, dtype, whether in Fortran order, bytes.
        case Call("array", state=(_, (int(n), 3072), Call("dtype", ("u1" | b"u1", *_)), False, bytes(content))) if (
            0 < n * PIXELS == len(content)
        ):
            planes = np.frombuffer(content, np.uint8).reshape(n, PIXELS)
        case _:
            raise UserError(f"{path} has data of another kind: {expected}.")
    labels = batch["labels"]
    if not isinstance(labels, list) or len(labels) != n or not all(type(label) is int for label in labels):
        raise UserError(f"the labels in {path} are not one number for each of its {n} pictures: {expected}.")
    numbers = np.array(labels)
    pictures.check_labels(numbers, CLASSES, path)
    return planes, numbers


def read_bytes(path: pathlib.Path) -> bytes:
    """The content of a batch. Raises UserError, naming the file, if it cannot be read or is too large for a batch."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST + 1)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): expected a batch of CIFAR-10; make it readable."
        ) from None
    if len(content) > MOST:
        raise UserError(
            f"{path} contains more than {MOST} bytes: expected a batch of CIFAR-10, about 31,000,000; restore the file."
        )
    return content


class Refused(ValueError):
    """A pickle asks for something that no batch needs; the message is the end of a sentence about its file."""


@dataclasses.dataclass(eq=False)
class Call:
    """A name in a pickle, with the arguments that the pickle calls it with and the state that it sets.

    Nothing is called.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: object = None


def unpickle(content: bytes) -> Any:
    """The object in a pickle of dicts, lists, tuples, strings, numbers and NumPy arrays, the arrays as `Call`s.

    `pickle` executes what a pickle says, and its C version can be made to fill the memory even if find_class refuses
    every name. This is the part of its stack machine that batches need, on opcodes that `pickletools` has parsed: it
    makes plain objects and nothing else. It reads batches of all protocols but 0, which is text, and 5, which has other
    opcodes for arrays.

    Raises:
        Refused: for any other opcode and any name that is not in NAMES.
        ValueError, LookupError, TypeError, AttributeError: for a pickle that ends early or is inconsistent.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}
    for step, (opcode, value, _) in enumerate(pickletools.genops(content)):
        argument: Any = value
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
                    raise Refused("is a pickle that sets the state of something that is not a NumPy array")
                stack[-1].state = state
            case _:
                raise Refused(f"is a pickle with the opcode {name}, which no batch needs")
    raise ValueError("the pickle ends without STOP")


# How many objects an opcode takes from the stack; 0 for all from the last mark on.
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


def text(key: object) -> str:
    """A key as a string; Python 2's keys are bytes.

    Raises TypeError for other keys, because hashing deeply nested tuples could take forever.
    """
    if not isinstance(key, bytes | str):
        raise TypeError(type(key))
    return key.decode("latin-1") if isinstance(key, bytes) else key


def named(name: str) -> Call:
    """The Call for "module name". Raises Refused for a name that is not in NAMES."""
    if name not in NAMES:
        raise Refused(f"is a pickle that asks for {name[:80]!r}, which no batch needs")
    return Call(NAMES[name])


def called(function: object, arguments: object) -> Call | bytes:
    """The Call of a Call, or the bytes that it encodes. Raises Refused if the pickle calls something else."""
    match function, arguments:
        case Call("encode"), (str(characters), "latin1"):
            return characters.encode("latin-1")
        case Call("array" | "dtype" as name), tuple():
            return Call(name, arguments)
    raise Refused("is a pickle that calls something that does not make a NumPy array")
