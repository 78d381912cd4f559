local function f(n)
  return 1 + f(n + 1)
end
function schedule(layer, target, default) return f(1) end
