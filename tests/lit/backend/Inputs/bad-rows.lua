function schedule(layer, target, default) return {rows = 9} end
