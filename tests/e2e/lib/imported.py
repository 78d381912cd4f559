"""What nbq-run --reference makes of a quantized model against ONNX Runtime: imported.py NBQ_RUN MODEL.onnx SAMPLES.npy FOLDER

Both round to the same integers but for ties, so that few outputs differ, and by few steps; prints the share of samples whose
largest output is the same one, in percent.
"""
import subprocess
import sys

import numpy as np
import onnxruntime

run, model, samples, folder = sys.argv[1:]
samples = np.load(samples)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
same = 0
for i in range(len(samples)):
    np.save(f"{folder}/in.npy", samples[i : i + 1])
    subprocess.run([run, "--reference", model, f"--input={folder}/in.npy", "-o", f"{folder}/out.npy"],
                   check=True, stdout=subprocess.DEVNULL)
    wanted = session.run(None, {name: samples[i : i + 1]})[0]
    found = np.load(f"{folder}/out.npy")
    assert found.shape == wanted.shape and np.isfinite(found).all()
    same += int(found.argmax() == wanted.argmax())
print(100 * same / len(samples))
