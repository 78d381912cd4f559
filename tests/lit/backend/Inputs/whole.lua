function schedule(layer, target, default)
  return {rows = layer.rows, cols = layer.cols}
end
