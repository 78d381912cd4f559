function schedule(layer, target, default) return {row = 2} end
