"""The networks and training steps of six presets in PyTorch, to compare speeds: see benchmarks/step.py.

Convolutions are channels-last, and Adam is fused, the fastest that PyTorch offers on a CPU.
`python benchmarks/peer_torch.py --check` compares the outputs of a GAN's networks in both libraries with equal weights.
"""

import sys

import torch
from step import SIDE, serve
from torch import nn
from torch.nn import functional

WIDTHS = (32, 64, 128, 256)


class Conv(nn.Conv2d):
    """A convolution k5 s2 that halves the side; "same" padding as in TensorFlow, one row more at the end."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 5, 2)

    def forward(self, x):
        return super().forward(functional.pad(x, (1, 2, 1, 2)))


class Double(nn.ConvTranspose2d):
    """A transposed convolution k5 s2 that doubles the side, with TensorFlow's "same" padding."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 5, 2)

    def forward(self, x):
        side = 2 * x.shape[-1]
        return super().forward(x)[:, :, 1 : side + 1, 1 : side + 1]


def norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


class Features(nn.Sequential):
    """The convolutions of dlcv2018: (B, 3, 64, 64) -> (B, 4096 w)."""

    def __init__(self, width: float, slope: float, batch_norm: bool = True):
        channels = [3, *(round(n * width) for n in WIDTHS)]
        layers: list[nn.Module] = []
        for inputs, outputs in zip(channels, channels[1:], strict=False):
            layers += [Conv(inputs, outputs), *([norm(outputs)] if batch_norm else []), nn.LeakyReLU(slope)]
        super().__init__(*layers, nn.Flatten())


class Picture(nn.Module):
    """The transposed convolutions of dlcv2018: (B, Z) -> (B, 3, 64, 64) in [0, 1]."""

    def __init__(self, latent_dim: int, width: float, activation):
        super().__init__()
        channels = [round(n * width) for n in reversed(WIDTHS)]
        self.inner = channels[0]
        self.dense = nn.Linear(latent_dim, 16 * channels[0])
        layers = [norm(channels[0]), activation()]
        for inputs, outputs in zip(channels, channels[1:], strict=False):
            layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), norm(outputs), activation()]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1))

    def forward(self, z):
        x = self.dense(z).view(-1, self.inner, 4, 4).contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.layers(x).float()) / 2 + 0.5


class Heads(nn.Module):
    """Features and dense layers on them, each an output."""

    def __init__(self, features: nn.Module, inputs: int, **heads: int):
        super().__init__()
        self.features = features
        self.heads = nn.ModuleDict({name: nn.Linear(inputs, outputs) for name, outputs in heads.items()})

    def forward(self, x):
        x = self.features(x)
        return {"features": x} | {name: head(x).float() for name, head in self.heads.items()}


def bce(logits, target: float):
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


class Step:
    """The training step of one preset."""

    def __init__(self, task: dict):
        torch.manual_seed(0)
        self.width, self.batch_size = task["width"], task["batch_size"]
        self.precision = task["precision"]
        self.players: dict[str, tuple[nn.Module, torch.optim.Optimizer]] = {}
        self.networks: list[nn.Module] = []
        self.batches = 1
        getattr(self, task["model"])()
        n = self.batches * self.batch_size
        self.real = torch.rand(n, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
        self.attributes = (torch.rand(n, 1) > 0.5).float()
        self.depth = torch.rand(n, 1, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
        if task["compile"]:
            for name in [name for name in dir(self) if name.endswith("_loss")]:
                setattr(self, name, torch.compile(getattr(self, name)))

    def network(self, network: nn.Module) -> nn.Module:
        self.networks.append(network)
        return network.to(memory_format=torch.channels_last)

    def adam(self, *networks: nn.Module, rate: float = 2e-4, betas=(0.5, 0.999)) -> torch.optim.Optimizer:
        parameters = [parameter for network in networks for parameter in network.parameters()]
        return torch.optim.Adam(parameters, rate, betas, fused=True)

    def update(self, optimizer: torch.optim.Optimizer, loss_fn, *arguments) -> list:
        """One step of one optimizer. Returns the logs."""
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16"):
            loss, logs = loss_fn(*arguments)
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        optimizer.step()
        return [log.item() for log in logs]

    def about(self) -> dict:
        parameters = sum(parameter.numel() for network in self.networks for parameter in network.parameters())
        return {"parameters": parameters, "images": self.batches * self.batch_size}

    def uniform(self, n: int = 100):
        return torch.rand(self.batch_size, n) * 2 - 1

    def features(self) -> int:
        return 16 * round(256 * self.width)

    # VAE -------------------------------------------------------------------------------------------------------------

    def vae(self) -> None:
        self.encoder = self.network(Heads(Features(self.width, 0.01), self.features(), mean=512, log_var=512))
        self.decoder = self.network(Picture(512, self.width, lambda: nn.LeakyReLU(0.01)))
        self.optimizer = self.adam(self.encoder, self.decoder)
        self.step = lambda: self.update(self.optimizer, self.vae_loss, self.real)

    def vae_loss(self, real):
        code = self.encoder(real)
        z = code["mean"] + torch.exp(0.5 * code["log_var"]) * torch.randn_like(code["mean"])
        reconstruction = functional.mse_loss(self.decoder(z), real)
        kl = 0.5 * (code["mean"] ** 2 + torch.exp(code["log_var"]) - code["log_var"] - 1).mean()
        return reconstruction + 1e-2 * kl, (reconstruction, kl)

    # GANs ------------------------------------------------------------------------------------------------------------

    def adversaries(self, inputs: int = 100, batch_norm: bool = True, rate: float = 2e-4, betas=(0.5, 0.999), **heads):
        self.generator = self.network(Picture(inputs, self.width, nn.ReLU))
        features = Features(self.width, 0.1, batch_norm)
        self.discriminator = self.network(Heads(features, self.features(), logits=1, **heads))
        self.d_optimizer = self.adam(self.discriminator, rate=rate, betas=betas)
        self.g_optimizer = self.adam(self.generator, rate=rate, betas=betas)

    def gan(self) -> None:
        self.adversaries()

        def step():
            self.update(self.d_optimizer, self.gan_d_loss, self.real)
            for _ in range(2):
                self.update(self.g_optimizer, self.gan_g_loss)

        self.step = step

    def gan_d_loss(self, real):
        with torch.no_grad():
            fake = self.generator(self.uniform())
        loss = bce(self.discriminator(real)["logits"], 1.0) + bce(self.discriminator(fake)["logits"], 0.0)
        return loss, (loss,)

    def gan_g_loss(self):
        loss = bce(self.discriminator(self.generator(self.uniform()))["logits"], 1.0)
        return loss, (loss,)

    def acgan(self) -> None:
        self.adversaries(101, aux=1)

        def step():
            fake = self.generator(torch.cat([self.uniform(), self.attributes], 1))
            self.update(self.d_optimizer, self.acgan_d_loss, self.real, fake.detach(), self.attributes)
            self.update(self.g_optimizer, self.acgan_g_loss, fake, self.attributes)

        self.step = step

    def acgan_d_loss(self, real, fake, codes):
        real, fake = self.discriminator(real), self.discriminator(fake)
        adversarial = bce(real["logits"], 1.0) + bce(fake["logits"], 0.0)
        aux_real, aux_fake = (
            functional.binary_cross_entropy_with_logits(judged["aux"], codes) for judged in (real, fake)
        )
        right = [((judged["aux"] > 0) == (codes > 0.5)).float().mean() for judged in (real, fake)]
        return adversarial + aux_real + aux_fake, (adversarial, aux_real, aux_fake, *right)

    def acgan_g_loss(self, fake, codes):
        judged = self.discriminator(fake)
        adversarial = bce(judged["logits"], 1.0)
        return adversarial + functional.binary_cross_entropy_with_logits(judged["aux"], codes), (adversarial,)

    def infogan(self) -> None:
        self.adversaries(64 + 50)
        hidden = round(128 * self.width)
        self.recognizer = self.network(
            nn.Sequential(
                nn.Linear(self.features(), hidden),
                nn.BatchNorm1d(hidden, eps=1e-5, momentum=0.1),
                nn.LeakyReLU(0.01),
                nn.Linear(hidden, 50),
            )
        )
        self.q_optimizer = self.adam(self.generator, self.recognizer)

        def step():
            codes = torch.randint(10, (self.batch_size, 5))  # five categorical codes of ten values
            z = torch.cat([self.uniform(64), functional.one_hot(codes, 10).flatten(1).float()], 1)
            fake = self.generator(z)
            self.update(self.d_optimizer, self.infogan_d_loss, self.real, fake.detach())
            self.update(self.g_optimizer, self.infogan_g_loss, fake)
            self.update(self.q_optimizer, self.infogan_q_loss, z, codes)

        self.step = step

    def infogan_d_loss(self, real, fake):
        loss = bce(self.discriminator(real)["logits"], 1.0) + bce(self.discriminator(fake)["logits"], 0.0)
        return loss, (loss,)

    def infogan_g_loss(self, fake):
        loss = bce(self.discriminator(fake)["logits"], 1.0)
        return loss, (loss,)

    def infogan_q_loss(self, z, codes):
        read = self.recognizer(self.discriminator.features(self.generator(z))).float()
        loss = 5 * functional.cross_entropy(read.view(-1, 10), codes.flatten())
        return loss, (loss,)

    # Critics with a gradient penalty ---------------------------------------------------------------------------------

    def wgan_gp(self) -> None:
        self.batches = 5
        self.adversaries(batch_norm=False, rate=1e-4, betas=(0.0, 0.9))

        def step():
            for real in self.real.split(self.batch_size):
                self.update(self.d_optimizer, self.wgan_d_loss, real)
            self.update(self.g_optimizer, self.wgan_g_loss)

        self.step = step

    def wgan_d_loss(self, real):
        with torch.no_grad():
            fake = self.generator(self.uniform())
        return self.critic_loss(lambda images: self.discriminator(images)["logits"], real, fake, 1.0)

    def critic_loss(self, critic, real, fake, scale: float):
        loss = critic(fake).mean() - critic(real).mean()
        mix = torch.rand(len(real), 1, 1, 1)
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        norms = ((gradient / scale) ** 2).sum((1, 2, 3)).add(1e-12).sqrt()
        penalty = ((norms - 1) ** 2).mean()
        return loss + 10 * penalty, (loss, penalty)

    def wgan_g_loss(self):
        loss = -self.discriminator(self.generator(self.uniform()))["logits"].mean()
        return loss, (loss,)

    def depth_wgan(self) -> None:
        self.batches = 5
        self.generator = self.network(DepthGenerator(self.width))
        self.discriminator = self.network(PatchCritic(self.width))
        self.d_optimizer = self.adam(self.discriminator, rate=1e-4, betas=(0.5, 0.9))
        self.g_optimizer = self.adam(self.generator, rate=1e-4, betas=(0.5, 0.9))

        def step():
            for real, depth in zip(self.real.split(self.batch_size), self.depth.split(self.batch_size), strict=True):
                self.update(self.d_optimizer, self.depth_d_loss, real, depth)
            self.update(self.g_optimizer, self.depth_g_loss, real, depth)

        self.step = step

    def predicted(self, real):
        noise = torch.rand(len(real), 1, SIDE, SIDE).contiguous(memory_format=torch.channels_last) * 2 - 1
        return self.generator(real, noise)

    def depth_d_loss(self, real, depth):
        with torch.no_grad():
            fake = torch.cat([real, self.predicted(real)], 1)
        critic = lambda pairs: self.discriminator(pairs).mean((2, 3))  # noqa: E731
        return self.critic_loss(critic, torch.cat([real, depth], 1), fake, 2.0)

    def depth_g_loss(self, real, depth):
        found = self.predicted(real)
        loss = -self.discriminator(torch.cat([real, found], 1)).mean()
        rmse = functional.mse_loss(found, depth).sqrt()
        return loss + 1024 * rmse, (loss, rmse)

    def __call__(self) -> None:
        self.step()


class DepthGenerator(nn.Module):
    """The U-Net of sullivan2017: (B, 3, 64, 64) and noise (B, 1, 64, 64) -> depth (B, 1, 64, 64) in [0, 1]."""

    def __init__(self, width: float):
        super().__init__()
        channels = [round(n * width) for n in (64, 128, 256, 256)]
        middle, thin = round(96 * width), round(32 * width)
        down = [4, *channels]
        self.down = nn.ModuleList(Conv(a, b) for a, b in zip(down, down[1:], strict=False))
        self.down.append(nn.Conv2d(channels[-1], middle, 1))
        self.thin = nn.Conv2d(middle, thin, 1)
        sizes = [middle, channels[-1], *reversed(channels[:-1])]
        skips = [middle, *reversed(channels)]
        self.up, inputs = nn.ModuleList(), thin
        for i, (outputs, skip) in enumerate(zip(sizes, skips, strict=True)):
            self.up.append((nn.Conv2d if i < 2 else Double)(inputs, outputs, *([1] if i < 2 else [])))
            inputs = outputs + skip
        self.last = Double(inputs, 1)

    def forward(self, image, noise):
        x, skips = torch.cat([2 * image - 1, noise], 1), []
        for layer in self.down:
            x = functional.leaky_relu(layer(x), 0.2)
            skips.append(x)
        x = functional.leaky_relu(self.thin(x), 0.2)
        for layer in self.up:
            x = torch.cat([functional.relu(layer(x)), skips.pop()], 1)
        return torch.tanh(self.last(x).float()) / 2 + 0.5


class PatchCritic(nn.Sequential):
    """(B, 4, 64, 64) in [0, 1] -> scores (B, 1, 8, 8)."""

    def __init__(self, width: float):
        channels = [4, *(round(n * width) for n in (64, 128, 256))]
        layers: list[nn.Module] = []
        for inputs, outputs in zip(channels, channels[1:], strict=False):
            layers += [Conv(inputs, outputs), nn.LeakyReLU(0.2)]
        top = round(512 * width)
        super().__init__(*layers, nn.Conv2d(channels[-1], top, 1), nn.LeakyReLU(0.2), nn.Conv2d(top, 1, 1))

    def forward(self, x):
        return super().forward(2 * x - 1).float()


def check() -> None:
    """Compares the pictures of the GAN's generator, and the logits of its discriminator, with those of the package."""
    import numpy as np

    from tfgen.studies import dlcv2018

    model, peer = dlcv2018.gan((SIDE, SIDE, 3)), Step(TASK | {"model": "gan"})
    rng = np.random.default_rng(0)
    for ours, theirs in ((model.generator, peer.generator), (model.discriminator, peer.discriminator)):
        copy(ours, theirs)
    z, images = rng.uniform(-1, 1, (8, 100)).astype("float32"), rng.uniform(size=(8, SIDE, SIDE, 3)).astype("float32")
    with torch.no_grad():
        pictures = peer.generator(torch.tensor(z)).permute(0, 2, 3, 1).numpy()
        logits = peer.discriminator(torch.tensor(images).permute(0, 3, 1, 2))["logits"].numpy()
    print("largest difference of a pixel:", np.abs(pictures - model.generator(z, training=True)).max())
    print("largest difference of a logit:", np.abs(logits - model.discriminator(images, training=True)).max())


TASK = {"width": 1.0, "batch_size": 8, "precision": "float32", "compile": False}


def copy(ours, theirs: nn.Module) -> None:
    """Copies the weights of a Keras network to the same PyTorch network."""
    import numpy as np

    modules = [module for module in theirs.modules() if next(module.parameters(recurse=False), None) is not None]
    layers = [layer for layer in ours.layers if layer.weights]
    for layer, module in zip(layers, modules, strict=True):
        kernel, *others = (np.asarray(weight) for weight in layer.weights)
        if isinstance(module, nn.Linear):  # flattened maps have the channels last in Keras, and first in PyTorch
            kernel = kernel.T
            if module.in_features > 1_000:
                kernel = kernel.reshape(len(kernel), 4, 4, -1).transpose(0, 3, 1, 2).reshape(len(kernel), -1)
            if module.out_features > 1_000:
                kernel = kernel.reshape(4, 4, -1, kernel.shape[1]).transpose(2, 0, 1, 3).reshape(kernel.shape)
        elif not isinstance(module, nn.BatchNorm2d):
            kernel = kernel.transpose(3, 2, 0, 1)
        module.weight.data = torch.tensor(kernel)
        module.bias.data = torch.tensor(others[0])


if __name__ == "__main__":
    check() if "--check" in sys.argv else serve(Step)
