"""What the scripts here ask of a command line, so that each mistake is one line and exit code 2, before any work."""
import argparse
import math
import os


def whole(least):
    """The type of an option: a whole number of at least so much."""
    def read(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"expected {least} or more, found {text}")
        return value
    read.__name__ = "whole number"  # argparse names it when int() fails
    return read


def factor(text):
    value = float(text)
    if not 0 < value <= 16 or math.isnan(value):
        raise argparse.ArgumentTypeError(f"expected a number above 0, 16 at most, found {text}")
    return value


factor.__name__ = "number"


def parse(parser):
    """The arguments. Something has to come out: a model, a check or samples."""
    parser.add_argument("-o", "--output", metavar="FILE", help="the model")
    parser.add_argument("--check", action="store_true", help="print what comes out of each layer")
    parser.add_argument("--samples", metavar="FILE", help="write byte images (.npy)")
    parser.add_argument("--seed", type=whole(0), default=1)
    args = parser.parse_args()
    for name in args.output, args.samples:
        folder = os.path.dirname(name or "") or "."
        if name is None:
            continue
        if not name or os.path.isdir(name) or not os.access(folder, os.W_OK | os.X_OK):
            parser.error(f"cannot write '{name}': expected a file's name in a folder that is there and may be written")
    return args


def ask_for_output(parser, args):
    if args.output is None and args.samples is None and not args.check:
        parser.error("nothing would come out: give -o FILE, --samples=FILE or --check")
