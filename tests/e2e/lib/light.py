"""An ONNX light model's own output: light.py NBQ_RUN MODEL.onnx OUTPUT.pb TMP. The input, which the archive does not hold, is
what ONNX's own test runner makes of the model's input: element i of n is i / n. Outputs are compared as that runner does."""
import subprocess
import sys

import numpy as np
import onnx
from onnx import numpy_helper

run, path, expected, tmp = sys.argv[1:]
model = onnx.load(path)
weights = {i.name for i in model.graph.initializer}
entry, = [i for i in model.graph.input if i.name not in weights]
shape = [d.dim_value for d in entry.type.tensor_type.shape.dim]
count = int(np.prod(shape))
np.save(f"{tmp}/in.npy", (np.arange(count).reshape(shape) / count).astype(np.float32))
subprocess.run([run, "--reference", path, f"--input={tmp}/in.npy", f"--output={tmp}/out.npy"], check=True, stdout=subprocess.DEVNULL)
found, wanted = np.load(f"{tmp}/out.npy"), numpy_helper.to_array(onnx.load_tensor(expected))
assert found.shape == wanted.shape, (found.shape, wanted.shape)
difference = np.abs(found - wanted).max()
assert np.allclose(found, wanted, rtol=1e-3, atol=1e-7), f"differs by {difference:g}, values up to {np.abs(wanted).max():g}"
print(f"{wanted.size} outputs, largest difference {difference:.1e} of {np.abs(wanted).max():.3g}")
