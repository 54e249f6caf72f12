"""The models, one file for each paper. Importing them registers them for `keras.models.load_model`."""

import tfgen.networks
import tfgen.optimizers  # noqa: F401
from tfgen.models.acai import ACAI
from tfgen.models.acgan import ACGAN
from tfgen.models.adversarial_vae import AdversarialVAE
from tfgen.models.base import GenerativeModel
from tfgen.models.cgan import CGAN
from tfgen.models.depth_wgan import DepthWGAN
from tfgen.models.gan import GAN
from tfgen.models.infogan import InfoGAN
from tfgen.models.r3gan import R3GAN
from tfgen.models.vae import VAE
from tfgen.models.vae_gan import VAEGAN
from tfgen.models.wgan import WGAN
from tfgen.models.wgan_gp import WGANGP

__all__ = [
    "ACAI",
    "ACGAN",
    "CGAN",
    "GAN",
    "R3GAN",
    "VAE",
    "VAEGAN",
    "WGAN",
    "WGANGP",
    "AdversarialVAE",
    "DepthWGAN",
    "GenerativeModel",
    "InfoGAN",
]
