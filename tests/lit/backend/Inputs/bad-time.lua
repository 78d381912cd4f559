-- Few instructions, each of them long: reading 60 KB of spaces for about four. Processor time runs out some 40 times
-- sooner than instructions do.
local s = " "
for i = 1, 15 do s = s .. s end
s = s .. s:sub(1, 28000)
local tonumber = tonumber
function schedule(layer, target, default)
  for i = 1, 10000000 do tonumber(s) end
end
