#!/usr/bin/env bash
# Creates report.html and the pictures in this folder: small runs of all five studies on the built-in data.
# Finished runs are not trained again. Runs and figures are written to the current folder: bash assets/make.sh
set -euo pipefail
assets=$(cd "$(dirname "$0")" && pwd)
tfgen="$assets/../.venv/bin/tfgen"

faces() { $tfgen train --model "$@"; }
faces vae --width 1/2 --epochs 14 --schedule linear
faces acgan --examples 4096 --epochs 20 --width 1/2 --d_learning_rate 1e-4 --g_learning_rate 4e-4 --schedule linear
faces gan --image_size 32 --width 1/2 --epochs 16 --d_learning_rate 1e-4
faces wgan_gp --image_size 32 --width 1/4 --epochs 60 --learning_rate 5e-4
faces wgan_gp_faithful --image_size 32 --width 1/4 --epochs 12 --learning_rate 5e-4
faces infogan --image_size 32 --width 1/2 --epochs 16
faces infogan_mixed --dataset digits --image_size 16 --width 1/2 --shared_trunk true --g_learning_rate 1e-3 --q_learning_rate 5e-4 --latent_dim 16 --epochs 80
$tfgen experiment dlcv2018/kl_weight --image_size 32 --width 1/4 --epochs 8

sullivan() { $tfgen train --study sullivan2017 --model "$@"; }
sullivan vae --image_size 32 --width 1/2 --batch_size 64 --epochs 8
for model in wgan wgan_gp; do sullivan $model --dataset digits --batch_size 64 --epochs 104 --image_size 16 --width 1/4 --learning_rate 5e-4; done
sullivan gan --dataset digits --batch_size 64 --epochs 40 --image_size 16 --width 1/4 --learning_rate 2e-4
sullivan depth_wgan --image_size 32 --width 3/8 --batch_norm true --d_steps 1 --learning_rate 1e-3 --schedule linear --batch_size 32 --epochs 14

csi5340() { $tfgen train --study csi5340 --model "$@" --image_size 16 --depth 3; }
csi5340 vae --epochs 60
csi5340 gan --batch_size 64 --epochs 50
csi5340 wgan --batch_size 64 --epochs 260 --width 1/2 --learning_rate 5e-4
$tfgen experiment csi5340/kl_weight --image_size 16 --depth 3 --epochs 40 --learning_rate 1e-3

pegasus() { $tfgen train --study pegasus --model "$@"; }
pegasus vae --width 1/2 --epochs 8 --learning_rate 1e-3
pegasus adversarial_vae --width 1/2 --epochs 4
pegasus acai --learning_rate 1e-3 --epochs 4
pegasus vae_gan --width 1/2 --epochs 6
$tfgen experiment pegasus/variants --width 1/4 --epochs 3

digits() { $tfgen train --study digits --model "$@"; }
digits vae --epochs 150 --learning_rate 5e-4
digits gan --image_size 16 --width 1/4 --batch_size 64 --epochs 250 --learning_rate 2e-4
digits cgan --adversarial least_squares --image_size 16 --width 1/4 --epochs 300 --schedule linear --ema .999
digits wgan --image_size 16 --width 1/8 --learning_rate 1e-3 --epochs 25
for name in adversarial collapse convergence; do $tfgen experiment digits/$name; done

for record in runs/*/record.json; do $tfgen score "$(dirname "$record")"; done
$tfgen report
"$assets/../.venv/bin/python" "$assets/make.py" report
