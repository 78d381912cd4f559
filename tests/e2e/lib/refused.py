"""Whether a compiler that refuses says enough: refused.py MODEL.onnx MESSAGES. Each error names a node of the model and that
node's operator, or sums up the rest of an operator's nodes. Prints the operators."""
import re
import sys

import onnx

model, messages = sys.argv[1:]
operators = {node.name: node.op_type for node in onnx.load(model).graph.node}
found = []
for line in open(messages, encoding="utf-8"):
    if ": error: " not in line:
        continue
    if re.search(r"operator \w+: \d+ more nodes", line):
        continue
    named = re.search(r'node "([^"]+)" \((\w+)', line)
    assert named, f"names no node and operator: {line}"
    operator = operators.get(named[1])
    assert operator, f"no node of the model: {line}"
    assert operator.lower().startswith(named[2].lower()), f"is a {operator}: {line}"
    found.append(operator)
assert found, "no error"
print(" ".join(sorted(set(found))))
