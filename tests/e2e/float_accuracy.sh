#!/usr/bin/env bash
# The quick part of tests/bench/float_accuracy.sh: one network of each kind of data, of preprocessing and of resizing.
exec bash tests/bench/float_accuracy.sh mnist-cntk-8 resnet8-cifar10-mlperf resnet20-cifar10 mobilenet_v1_0.25_128 mobilenet_v1_0.5_160
