#!/usr/bin/env bash
# Creates report.html and the pictures in this folder: small runs of all five studies on the built-in data. It takes about 160 minutes on one core.
# Finished runs are not trained again. Runs and figures are written to the current folder: bash assets/make.sh
set -euo pipefail
assets=$(cd "$(dirname "$0")" && pwd)
tfgen="$assets/../.venv/bin/tfgen"

faces() { $tfgen train --model "$@"; }
faces vae --width 1/2 --epochs 18 --schedule linear
faces gan --width 1/2 --epochs 20 --d_learning_rate 1e-4
faces acgan --width 1/2 --epochs 32 --schedule linear --d_learning_rate 1e-4 --g_learning_rate 4e-4 --ema .99
faces wgan_gp --image_size 32 --width 1/4 --epochs 12 --learning_rate 5e-4
faces wgan_gp_faithful --image_size 32 --width 1/4 --epochs 12 --learning_rate 5e-4
faces infogan --image_size 32 --width 1/2 --epochs 20
faces infogan_mixed --image_size 32 --width 1/2 --epochs 20 --shared_trunk true --g_learning_rate 1e-3 --q_learning_rate 5e-4
$tfgen experiment dlcv2018/kl_weight --image_size 32 --width 1/2 --epochs 8

sullivan() { $tfgen train --study sullivan2017 --model "$@" --image_size 32; }
sullivan vae --width 1/2 --batch_size 64 --epochs 12
sullivan gan --width 1/4 --batch_size 64 --learning_rate 2e-4 --epochs 16
sullivan wgan --width 1/4 --batch_size 64 --learning_rate 5e-4 --epochs 6
sullivan wgan_gp --width 1/4 --batch_size 64 --learning_rate 5e-4 --epochs 6
sullivan depth_wgan --width 3/8 --batch_norm true --d_steps 1 --learning_rate 1e-3 --schedule linear --batch_size 32 --epochs 14
$tfgen experiment sullivan2017/regularizers --image_size 32 --width 1/4 --d_steps 1 --learning_rate 1e-3 --batch_size 32 --epochs 4

csi5340() { $tfgen train --study csi5340 --model "$@" --image_size 16 --depth 3; }
csi5340 vae --epochs 60
csi5340 gan --epochs 60
csi5340 wgan --width 1/2 --learning_rate 5e-4 --epochs 40
$tfgen experiment csi5340/vae --image_size 16 --width 1/4 --epochs 20
$tfgen experiment csi5340/gan --image_size 16 --width 1/4 --epochs 20
$tfgen experiment csi5340/wgan --image_size 16 --width 1/4 --epochs 20 --learning_rate 5e-4
$tfgen experiment csi5340/steps --image_size 16 --depth 3 --width 1/2 --epochs 60

pegasus() { $tfgen train --study pegasus --model "$@"; }
pegasus vae --width 1/2 --epochs 15 --learning_rate 1e-3
pegasus adversarial_vae --width 1/2 --epochs 15
pegasus vae_gan --width 1/2 --epochs 12
pegasus acai --learning_rate 1e-3 --epochs 12
$tfgen experiment pegasus/variants --width 1/2 --epochs 5

digits() { $tfgen train --study digits --model "$@"; }
digits vae --epochs 150 --learning_rate 5e-4
digits gan --image_size 16 --width 1/2 --batch_size 64 --epochs 440 --learning_rate 2e-4 --ema .999
digits cgan --adversarial least_squares --image_size 16 --width 1/4 --epochs 300 --schedule linear --ema .999
$tfgen experiment digits/adversarial --image_size 16 --width 1/4 --batch_size 64 --epochs 60 --learning_rate 2e-4

for record in runs/*/record.json; do $tfgen score "$(dirname "$record")"; done
$tfgen report
"$assets/../.venv/bin/python" "$assets/make.py" report
