"""Which latents and codes a figure or a score looks at: models in, arrays of pictures out."""

import numpy as np

KEY = (1002, 0)  # every figure and score looks at the same latents; the homework's own figures were drawn with the seed 1002


def prior_samples(model, n):
    """Pictures (n, H, W, C) in [0, 1] of n latents of the prior, batch normalization in inference mode."""
    return model.generate(model.sample_latents(KEY, 0, n)).numpy()


def attribute_pairs(model, n):
    """Pictures (2 n, H, W, C) in [0, 1] of n latents: first all with code 0, then the same latents with code 1."""
    z = model.sample_latents(KEY, 0, n)
    return np.concatenate([model.generate(z, np.full((n, 1), code, np.float32)).numpy() for code in (0, 1)])


def reconstructions(model, images):
    """Pictures decoded from the mean codes of images (n, H, W, C) in [0, 1], the same shape."""
    return model.decoder.predict(model.encode(images)["mean"], batch_size=256, verbose=0)
