function schedule(layer, target, default) return load('return 1')() end
