"""What the codes of an InfoGAN do."""

import math

import numpy as np

from tfgen import latents, losses
from tfgen.metrics import chance
from tfgen.models.base import GenerativeModel
from tfgen.protocols import Run
from tfgen.scores import features
from tfgen.scores.conditions import CHANGE, CHANGED, LATENT_CHANGE, input_changes
from tfgen.scores.samples import ON_FEATURES, RIVALS, SAMPLES, measure_samples
from tfgen.scores.score import Score, beside


def measure_codes(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """`measure_samples`, and what an InfoGAN's codes do.

    `code_I_nmi` is, for labeled data, the normalized mutual information of the label and of the most likely value of
    the categorical code, given a real picture. The other numbers are of generated pictures: `code_I_read` and
    `continuous_I_r2` say how well the recognizer reads the codes back, and `NAME_change` how much the picture changes
    with the code; see `input_changes`.
    """
    numbers, held = measure_samples(run, model, split), run.source(split)
    if held.labels is not None:
        read = features.over(held, model.read_codes)
        for i in range(len(model.categories)):
            most_likely = np.argmax(read[f"code_{i}"], axis=1)
            numbers[f"code_{i}_nmi"] = chance.nmi(held.labels, most_likely)
            numbers[f"code_{i}_nmi_chance"] = chance.nmi_by_chance(held.labels, most_likely)
    return numbers | measure_codes_read_back(model)


def measure_codes_read_back(model: GenerativeModel, n: int = CHANGED) -> dict[str, float]:
    """How well an InfoGAN's recognizer reads the codes of n generated pictures, and how much each changes the picture.

    Returns:
        {"code_I_read": share of categorical codes that are read correctly, "code_I_read_chance": 1 / number of values,
        "code_I_bound" and "continuous_I_bound": lower bounds of the mutual information of a code and the picture in
        nats (Chen et al. 2016, arXiv:1606.03657, eq. 5), "code_I_bound_most": the entropy of the code,
        "continuous_I_r2": 1 - squared error / variance of a continuous code, and the changes by `input_changes`}.
    """
    codes, others = (np.asarray(model.sample_codes(latents.KEY, draw, n)) for draw in (0, 1))
    z = model.sample_latents(latents.KEY, 0, n)
    read = {name: np.asarray(values) for name, values in model.read_codes(model.generate(z, codes)).items()}
    numbers, inputs, start = {}, {}, 0
    for i, size in enumerate(model.categories):
        part = codes[:, start : start + size]
        values = np.argmax(part, axis=1)
        numbers[f"code_{i}_read"] = float(np.mean(np.argmax(read[f"code_{i}"], axis=1) == values))
        numbers[f"code_{i}_read_chance"] = 1 / size
        numbers[f"code_{i}_bound"] = math.log(size) - float(losses.categorical_cross_entropy(read[f"code_{i}"], part))
        numbers[f"code_{i}_bound_most"] = math.log(size)
        step = 1 + np.arange(n) % max(size - 1, 1)
        inputs[f"code_{i}"] = part, np.eye(size, dtype=np.float32)[(values + step) % size]
        start += size
    for i in range(model.continuous):
        part = codes[:, start + i : start + i + 1]
        errors = (read["continuous"][:, i : i + 1] - part) ** 2
        numbers[f"continuous_{i}_r2"] = float(1 - np.mean(errors) / np.var(part))
        # That of a normal density with the best deviation; the entropy of the code is 0.
        numbers[f"continuous_{i}_bound"] = -0.5 * math.log(2 * math.pi * math.e * max(float(np.mean(errors)), 1e-12))
        inputs[f"continuous_{i}"] = part, others[:, start + i : start + i + 1]
    return numbers | input_changes(model, inputs)


def code_quality(categorical: int, continuous: int = 0) -> Score:
    """The Score of an InfoGAN with these numbers of categorical and continuous codes."""
    meanings: dict[str, str] = {}
    found: dict[str, dict[str, str]] = {}
    for i in range(categorical):
        code = f"categorical code {i + 1}"
        meanings |= {
            f"code_{i}_nmi": f"normalized mutual information of {code} and the label, from 0 to 1",
            f"code_{i}_nmi_chance": "the same by chance: mean over 100 random orders of the codes",
            f"code_{i}_read": f"share of generated pictures in which the recognizer reads {code} correctly",
            f"code_{i}_read_chance": "the same by chance, 1 / number of values",
            f"code_{i}_bound": f"lower bound of the mutual information of {code} and the picture, in nats",
            f"code_{i}_bound_most": f"entropy of {code}, in nats",
            f"code_{i}_change": CHANGE.format(code),
        }
        found |= {f"code_{i}_bound": {"most": f"code_{i}_bound_most"}}
        found |= {name: beside("chance")(name) for name in (f"code_{i}_nmi", f"code_{i}_read")}
    for i in range(continuous):
        code = f"continuous code {i + 1}"
        meanings |= {
            f"continuous_{i}_r2": f"R2 of {code} as the recognizer reads it in generated pictures; 0 if it is ignored",
            f"continuous_{i}_bound": f"lower bound of the mutual information of {code} and the picture, in nats",
            f"continuous_{i}_change": CHANGE.format(code),
        }
    return Score(
        measure_codes,
        **ON_FEATURES,
        meanings=SAMPLES | meanings | LATENT_CHANGE,
        rivals=RIVALS | found,
    )
