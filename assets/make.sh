#!/usr/bin/env bash
# Creates report.html, explorer.html and the pictures in this folder: small runs of the studies on the built-in data.
# Finished runs are not trained again. Runs and figures are written to the current folder: bash assets/make.sh
set -euo pipefail
assets=$(cd "$(dirname "$0")" && pwd)
tfgen="$assets/../.venv/bin/tfgen"

faces() { $tfgen train --model "$@"; }
faces vae --width 1/2 --epochs 14 --schedule linear
faces acgan --examples 4096 --epochs 20 --width 1/2 --d_learning_rate 1e-4 --g_learning_rate 4e-4 --schedule linear
faces gan --image_size 32 --width 1/2 --epochs 16 --d_learning_rate 1e-4

digits="--dataset digits --image_size 16"
faces wgan_gp $digits --width 1/4 --batch_size 64 --epochs 170 --learning_rate 5e-4
faces wgan_gp_faithful $digits --width 1/4 --batch_size 64 --epochs 60 --learning_rate 5e-4
faces infogan $digits --width 1/4 --batch_size 64 --epochs 60 --g_learning_rate 1e-3 --q_learning_rate 5e-4
faces infogan_mixed $digits --width 1/2 --shared_trunk true --g_learning_rate 1e-3 --q_learning_rate 5e-4 --latent_dim 16 --epochs 80

sullivan() { $tfgen train --study sullivan2017 --model "$@"; }
sullivan gan $digits --width 1/4 --batch_size 64 --epochs 40 --learning_rate 2e-4
for model in wgan wgan_gp; do sullivan $model $digits --width 1/4 --batch_size 64 --epochs 104 --learning_rate 5e-4; done
sullivan vae $digits --width 1/4 --batch_size 64 --epochs 80 --learning_rate 1e-3
sullivan depth_wgan --image_size 32 --width 3/8 --batch_size 32 --batch_norm true --d_steps 1 --learning_rate 1e-3 --schedule linear --epochs 14

csi5340() { $tfgen train --study csi5340 --model "$@" $digits --batch_size 64 --depth 3; }
csi5340 vae --epochs 60
csi5340 gan --epochs 50
csi5340 wgan --width 1/2 --epochs 260 --learning_rate 5e-4

pegasus() { $tfgen train --study pegasus --model "$@"; }
pegasus adversarial_vae --width 1/2 --epochs 4
for model in vae vae_gan acai; do pegasus $model --width 1/4 --epochs 4; done

$tfgen train --study digits --model vae --image_size 16 --learning_rate 1e-3 --epochs 60
$tfgen train --study digits --model cgan --image_size 16 --width 1/4 --adversarial least_squares --epochs 300 --schedule linear --ema .999
$tfgen train --study digits --model gan --image_size 16 --width 1/4 --batch_size 64 --epochs 250 --learning_rate 2e-4
$tfgen train --study digits --model wgan --image_size 16 --width 1/8 --learning_rate 1e-3 --epochs 25
for name in collapse convergence adversarial; do $tfgen experiment digits/$name; done

$tfgen train --study modern --model vae --epochs 10 --schedule linear --run runs/vae-faces-modern
$tfgen experiment modern/since2018

for record in runs/*/record.json; do $tfgen evaluate "$(dirname "$record")"; done
$tfgen report
"$assets/../.venv/bin/python" "$assets/make.py" report

modern=runs/modern/since2018/modern # what make demo trains
$tfgen report $modern runs/vae-faces-modern --out report-modern
cp report/modern_since2018.jpg report-modern
"$assets/../.venv/bin/python" "$assets/make.py" report-modern demo
$tfgen explore $modern --out "$assets/explorer.html"
