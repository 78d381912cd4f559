-- One set of buffers everywhere: what double buffering is worth is the difference to the default.
function schedule(layer, target, default)
  return {double_buffer = false}
end
