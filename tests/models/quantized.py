"""A network as ONNX Runtime's quantizer writes it: 8-bit integers, ranges from images.

    quantized.py MODEL.onnx -o FILE.onnx --form=qdq|qoperator --samples=FILE.npy [--per-channel] [--unsigned]

--samples is an array of inputs, one for each image. Needs onnx, onnxruntime and numpy.
"""
import argparse
import logging
import os
import sys
import tempfile

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    def __init__(self, name, array):
        self.rows = iter([{name: array[i : i + 1]} for i in range(len(array))])

    def get_next(self):
        return next(self.rows, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--form", choices=("qdq", "qoperator"), required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--per-channel", action="store_true")
    parser.add_argument("--unsigned", action="store_true", help="activations as uint8")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        prepared = os.path.join(folder, "prepared.onnx")
        quant_pre_process(args.model, prepared, skip_symbolic_shape=True)
        name = onnx.load(prepared).graph.input[0].name
        quantize_static(prepared, args.output, Samples(name, np.load(args.samples).astype(np.float32)),
                        quant_format=QuantFormat.QDQ if args.form == "qdq" else QuantFormat.QOperator,
                        per_channel=args.per_channel, weight_type=QuantType.QInt8,
                        activation_type=QuantType.QUInt8 if args.unsigned else QuantType.QInt8)
    return 0


if __name__ == "__main__":
    sys.exit(main())
