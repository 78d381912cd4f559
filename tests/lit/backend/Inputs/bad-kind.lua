function schedule(layer, target, default) return 3 end
