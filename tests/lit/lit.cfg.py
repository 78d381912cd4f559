"""lit configuration: FileCheck tests, one folder per room. Run through check.sh, or by hand:
    BUILD=build/dev lit -v tests/lit
"""
import os
import shutil

import lit.formats

config.name = "nbq"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".nir", ".s", ".test", ".textproto", ".lua"]
config.test_source_root = os.path.dirname(__file__)
root = os.path.abspath(os.path.join(config.test_source_root, "..", ".."))
build = os.path.abspath(os.environ.get("BUILD", os.path.join(root, "build", "dev")))
config.test_exec_root = os.path.join(build, "lit")
config.excludes = ["Inputs"]

llvm = os.environ.get("LLVM_BIN", "/usr/lib/llvm-14/bin")
config.environment["PATH"] = os.path.pathsep.join([os.path.join(build, "bin"), llvm, os.environ["PATH"]])
config.environment["ASAN_OPTIONS"] = "detect_leaks=1"
for name in ("NBQ_DATA", "NBQ_MODELS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

for tool in ("nbqc", "nbq-run", "nbq-objdump", "nbq-as"):
    config.substitutions.append(("%" + tool, os.path.join(build, "bin", tool)))
config.substitutions.append(("%examples", os.path.join(root, "examples")))
config.substitutions.append(("%onnx", "sh " + os.path.join(config.test_source_root, "encode.sh")))
# The longest names first: "%nbq-run" must not be taken for another one.
config.substitutions.sort(key=lambda pair: -len(pair[0]))

if shutil.which("protoc"):
    config.available_features.add("protoc")
if os.environ.get("NBQ_MODELS") and os.path.isdir(os.environ["NBQ_MODELS"]):
    config.available_features.add("models")
