function schedule(layer, target, default) return {double_buffer = 1} end
