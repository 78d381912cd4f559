function schedule(layer, target default) return nil end
