"""Larsen et al. 2015, Autoencoding beyond pixels using a learned similarity metric (arXiv:1512.09300)."""

import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.vae import VAE


class VAEGAN(VAE):
    """A VAE whose likelihood is of a discriminator's features in the place of pixels, and whose decoder is a GAN's
    generator.

    Three players, each with its own share of three terms (algorithm 1): the encoder minimises L_prior + L_features, the
    decoder gamma * L_features - L_GAN, the discriminator L_GAN. L_features is -log N(features of x; features of x', I)
    but for its constant.

    Args:
        encoder, decoder: as of a VAE.
        discriminator: image -> {"logits": (B, 1), "features": (B, F)}.
        adversarial: AdversarialLoss that stands for L_GAN; reconstructions and decoded draws of the prior are its
            generated pictures.
        gamma: weight of the decoder's L_features, a sum over all F.
    """

    players = {"encoder": ("encoder",), "decoder": ("decoder",), "discriminator": ("discriminator",)}
    logs = ("reconstruction", "kl", "g_loss", "d_loss")

    def __init__(self, encoder, decoder, discriminator, adversarial, gamma):
        super().__init__(encoder, decoder, kl_weight=1.0)
        self.discriminator = discriminator
        self.adversarial = adversarial
        self.gamma = gamma

    def train_step(self, batch):
        logs = self.update("encoder", self.encoder_loss, batch, draw=0)
        logs |= self.update("decoder", self.decoder_loss, batch, draw=0)
        return logs | self.update("discriminator", self.discriminator_loss, batch, draw=0)

    def encoder_loss(self, batch, draw):
        """L_prior + L_features: (scalar, {"reconstruction", "kl"}), in nats.

        No judgement of the discriminator's reaches the encoder.
        """
        code, images = self.reconstruct(batch, draw)
        reconstruction = losses.gaussian_nll(self.judge(batch["image"])["features"], self.judge(images)["features"])
        kl = tf.reduce_mean(losses.kl_divergence(code["mean"], code["log_var"]))
        return reconstruction + kl, {"reconstruction": reconstruction, "kl": kl}

    def decoder_loss(self, batch, draw):
        """gamma * L_features - L_GAN: (scalar, {"g_loss"})."""
        reconstructed = self.judge(self.reconstruct(batch, draw)[1])
        generated = self.judge(self.fake(batch, draw))
        reconstruction = losses.gaussian_nll(self.judge(batch["image"])["features"], reconstructed["features"])
        loss = self.adversarial.generator(tf.concat([reconstructed["logits"], generated["logits"]], axis=0))
        return self.gamma * reconstruction + loss, {"g_loss": loss}

    def discriminator_loss(self, batch, draw):
        """L_GAN: (scalar, {"d_loss"}).

        Both kinds of generated pictures together weigh as much as the real, as in the authors' code.
        """
        real = self.judge(batch["image"])["logits"]
        fake = [self.judge(images)["logits"] for images in (self.reconstruct(batch, draw)[1], self.fake(batch, draw))]
        loss = self.adversarial.discriminator(real, tf.concat(fake, axis=0))
        return loss, {"d_loss": loss}

    def judge(self, images):
        """What the discriminator makes of pictures of one kind, with batch statistics of their own."""
        return self.discriminator(images, training=True)

    def reconstruct(self, batch, draw):
        """(code, pictures decoded from one sample of its posterior)."""
        code = self.encoder(batch["image"], training=True)
        return code, self.decoder(self.sample_posterior(code, batch["key"], draw), training=True)

    def fake(self, batch, draw):
        """As many pictures decoded from the prior as the batch has real ones."""
        z = self.sample_latents(batch["key"], noise.stream(draw, 1), tf.shape(batch["image"])[0])
        return self.decoder(z, training=True)
