function schedule(layer, target, default) while true do end end
