function schedule(layer, target, default) return {oc = 12, ic = layer.in_channels} end
