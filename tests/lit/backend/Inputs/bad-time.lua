-- Few instructions, each of them long.
local s = "x"
for i = 1, 15 do s = s .. s end
local a, b = s .. "a", s .. "b"
function schedule(layer, target, default)
  local n = 0
  for i = 1, 10000000 do
    -- a comparison of 32 KiB, and three copies
    if a < b then n = n + #s:upper() + #s:lower() + #s:reverse() end
  end
end
