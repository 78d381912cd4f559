function shedule(layer, target, default) return nil end
