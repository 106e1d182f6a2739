-- Takes the tokens of the first attempt that has them in its provider's bucket.
-- KEYS: the buckets  ARGV: 1 now (ms)  then for each: tokens per minute or 0, tokens
-- Returns {index (0 is the first, -1: none, nothing taken), shortest wait (ms), the levels}.
local now = tonumber(ARGV[1])
local waits, levels = look(1, 2, 2, #KEYS, now)
local place, wait = first_ready(waits)
if place > 0 then
  local per_minute, tokens = tonumber(ARGV[place * 2]), tonumber(ARGV[place * 2 + 1])
  levels[place] = change(KEYS[place], per_minute, now, -tokens, 0)
end
return {place - 1, wait, levels}
