function schedule(layer, target, default)
  return {rows = 2, cols = 2}
end
