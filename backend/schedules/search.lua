-- A wider search than the default one: every number of rows and columns, both orders, by estimated cycles.
-- Slow on large images; shows what a script can ask.

local function better(best, tiling)
  local cycles = cost(tiling)
  if cycles and (not best or cycles < best.cycles) then
    return {cycles = cycles, tiling = tiling}
  end
  return best
end

function schedule(layer, target, default)
  local best = {cycles = cost(default), tiling = default}
  for _, order in ipairs({"spatial", "channel"}) do
    for rows = 1, layer.rows do
      for cols = layer.cols, 1, -1 do
        if layer.cols % cols == 0 then
          best = better(best, {rows = rows, cols = cols, order = order})
        end
      end
    end
  end
  return best.tiling
end
