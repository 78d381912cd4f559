function schedule(layer, target, default) return {cols = 1.5} end
