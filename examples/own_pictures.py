"""Trains a GAN on your own pictures, or on drawn faces: `python examples/own_pictures.py [FOLDER [EPOCHS]]`."""

import os
import sys

import keras
import numpy as np

import tfgen
from tfgen.data.builtin import faces
from tfgen.networks import dcgan

SHAPE = (32, 32, 3)
if len(sys.argv) > 1:
    folder = os.path.expanduser(sys.argv[1])
    data = keras.utils.image_dataset_from_directory(folder, labels=None, image_size=SHAPE[:2], batch_size=32)
    pictures = data.map(lambda images: images / 255)  # tfgen's pictures are floats in [0, 1]
else:
    pictures = faces.paint(0, 512, image_size=32)[0] / np.float32(255)

gan = tfgen.GAN(dcgan.generator(SHAPE, latent_dim=100, width=1 / 4), dcgan.discriminator(SHAPE, width=1 / 4))
gan.compile(discriminator=keras.optimizers.Adam(2e-4, beta_1=0.5), generator=keras.optimizers.Adam(2e-4, beta_1=0.5))
gan.fit(pictures, batch_size=32, epochs=int(sys.argv[2]) if len(sys.argv) > 2 else 2)
gan.save("own_pictures.keras")
keras.utils.save_img("own_pictures.png", np.concatenate([*gan.sample(8, seed=0)], axis=1))
