function schedule(layer, target, default)
  local cycles, why = cost({row = 1})
  if not cycles then error(why) end
end
