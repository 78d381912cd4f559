function schedule(layer, target, default) local s = 'x' while true do s = s .. s end end
