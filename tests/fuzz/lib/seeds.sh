# Sourced by the scripts of this folder: what the tests have of each fuzz target's input.
# seeds FOLDER BIN TESTS: FOLDER/TARGET/… for every target, made by the tools in BIN and those in TESTS
seeds() {
  local to=$1 bin=$2 tests=$3 t target
  mkdir -p "$to"/import "$to"/svpe "$to"/asm "$to"/ir_parse "$to"/target "$to"/compile
  "$tests/data_seeds" "$to/data"
  cp isa/targets/*.target "$to/target"
  cp examples/shapes.onnx "$to/import"
  if command -v protoc >/dev/null; then
    for t in tests/lit/frontend/Inputs/*.textproto; do
      target=$to/import/$(basename "$t" .textproto).onnx
      sh tests/lit/encode.sh "$t" "$target" 2>/dev/null || rm -f "$target"
    done
  fi
  for target in tiny zcu102 zcu102-vpe; do
    "$bin/nbqc" examples/shapes.onnx -o "$to/svpe/$target.svpe" --target=$target 2>/dev/null
    "$bin/nbq-objdump" -d "$to/svpe/$target.svpe" >"$to/asm/$target.s"
  done
  "$tests/svpe_seeds" "$to/svpe" 2
  cp tests/lit/isa/*.s "$to/asm"
  cp $(git ls-files 'tests/lit/*.nir') "$to/ir_parse"
  # The whole compiler takes both kinds of models.
  cp "$to"/import/* "$to"/ir_parse/* "$to/compile"
}
