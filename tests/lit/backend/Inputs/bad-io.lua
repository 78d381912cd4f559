function schedule(layer, target, default) return io.open('/etc/passwd') end
