function schedule(layer, target, default) return {rows = 99999999999999} end
