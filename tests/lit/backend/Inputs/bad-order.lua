function schedule(layer, target, default) return {order = "rows"} end
