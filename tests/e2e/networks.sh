#!/usr/bin/env bash
# Well-known networks, made small by tests/models/networks.py: at full size they have the published numbers of parameters and
# multiplications; small ones are valid ONNX, alive, and compile to what the oracle computes, bit for bit, for two targets. What
# of each is not on the device is in the table; of some nothing but a softmax may be.
. tests/e2e/lib/common.sh
need_oracle
make="$python tests/models/networks.py"
$make --list || fail "not the published structures"
last=$(last_pass)
preprocess="--mean=0.5 --std=0.25"
whole=" resnet18 resnet50 resnext50_32x4d vgg19 alexnet densenet121 efficientnet_b0 efficientnet_b0_same mobilenet_v1 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small shufflenet_v2 squeezenet1_1 googlenet inception_v3 unet unet_nearest yolov3_tiny "

equal() { # name, target, where operators may run
  printf '%-20s %-8s' "$1" "$2"
  $programs/oracle --data=npy:$tmp/x.npy --count=2 $preprocess --host "$tmp/p.svpe" "$tmp/p.nir" >"$tmp/out" || fail "$1 $2: $(cat "$tmp/out")"
  tail -n 1 "$tmp/out"
  grep -q '^1 segments; host: \(nothing\|1 softmax\);' "$tmp/out" || [[ $whole != *" $1 "* ]] || fail "$1 $2: expected one segment"
}
no_fallback() { # name, model: refused where the device waits for the host, with a message for each node
  code=0
  rm -f "$tmp/p.svpe"
  $bin/nbqc "$2" -o "$tmp/p.svpe" --fallback=error 2>"$tmp/err" || code=$?
  [ $code = 1 ] || grep -q '^1 segments' "$tmp/out" || fail "$1 --fallback=error: exit code $code, expected 1: $(cat "$tmp/err")"
  [ $code = 0 ] || [[ $whole != *" $1 "* ]] || fail "$1 --fallback=error: exit code $code: $(cat "$tmp/err")"
  [ $code = 0 ] || [ ! -e "$tmp/p.svpe" ] || fail "$1: refused, yet there is a program"
  [ $code = 0 ] || operators=$("$python" tests/e2e/lib/refused.py "$2" "$tmp/err") || fail "$1: $operators"
}
both() { # name, model: compiled for two targets
  for target in zcu102 tiny; do
    $bin/nbqc "$2" -o "$tmp/p.svpe" --target=$target $preprocess --calib=npy:$tmp/x.npy --print-after="$last" --print-data \
      >"$tmp/p.nir" 2>"$tmp/err" || fail "$1 $target: $(cat "$tmp/err")"
    equal "$1" $target
  done
}
opsets="7 9 11 17 21" # in turn
while read -r name size; do
  $make "$name" -o "$tmp/m.onnx" --samples="$tmp/x.npy" --size="$size" --width=0.25 --classes=10 >/dev/null
  both "$name" "$tmp/m.onnx"
  no_fallback "$name" "$tmp/m.onnx"
  opset=${opsets%% *} opsets="${opsets#* } ${opsets%% *}"
  $make "$name" -o "$tmp/m.onnx" --size="$size" --width=0.125 --classes=10 --batchnorm=folded --opset="$opset" --seed=2 >"$tmp/out" ||
    fail "$name: $(cat "$tmp/out")"
done <<<"$($make --list | awk 'NR > 1 {print $1, $7}')"

# A wrong command line is one line behind the usage, before any work, and writes nothing.
wrong() { # what is said, script, arguments…
  said=$1 script=$2
  shift 2
  code=0
  "$python" tests/models/$script.py "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
  [ $code = 2 ] && [ ! -s "$tmp/out" ] && [ ! -e "$tmp/w.onnx" ] && ! grep -q Traceback "$tmp/err" &&
    tail -n 1 "$tmp/err" | grep -q "^$script.py: error: .*$said" || fail "$script.py $*: exit code $code: $(cat "$tmp/err")"
}
wrong 'width: expected a number above 0' networks resnet18 -o "$tmp/w.onnx" --width=0
wrong 'width: expected a number above 0' networks resnet18 -o "$tmp/w.onnx" --width=nan
wrong 'classes: expected 1 or more' networks resnet18 -o "$tmp/w.onnx" --classes=0
wrong 'nothing is left of the image' networks alexnet -o "$tmp/w.onnx" --size=16
wrong "size: invalid whole number value: 'x'" networks resnet18 -o "$tmp/w.onnx" --size=x
wrong "cannot write '.*/none/w.onnx'" networks resnet18 -o "$tmp/none/w.onnx"
wrong "cannot write '.*'" networks resnet18 -o "$tmp"
wrong 'nothing would come out' networks resnet18
wrong "cannot read '.*none.onnx': No such file" light "$tmp/none.onnx" -o "$tmp/w.onnx"
wrong 'is no ONNX model' light tests/models/light.py -o "$tmp/w.onnx"
wrong 'nothing would come out' light "$tmp/m.onnx"

# The check of life finds a layer that is dead.
"$python" - <<'END' || fail "a dead layer is not found"
import sys
sys.path.insert(0, "tests/models")
import networks, liveness
net, outputs = networks.build("resnet18", size=32, width=0.125, classes=10, batchnorm="folded")
model = net.model(outputs, 1)
liveness.normalise(model, 1)
assert liveness.check(model, 1)[0] == []
bias, = [i for i in model.graph.initializer if i.name == "layer2.0.conv.bias"]
bias.CopyFrom(liveness.numpy_helper.from_array(liveness.numpy_helper.to_array(bias) - 100, bias.name))
bad = liveness.check(model, 1)[0]
assert bad and bad[0].startswith("layer2.0.relu "), bad
END
