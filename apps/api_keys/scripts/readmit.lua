-- A further attempt in one trip: what failed calls leave in the buckets, then the tokens of the first
-- attempt that has them, and a larger reservation when it is dearer than what is held.
-- KEYS: 1 budget  2 reservations (hash)  3 reservation expiries (sorted set)
--       4... the buckets of the attempts, then those of the corrections
-- ARGV: 1 now (ms)  2 budget or -1  3 what the request may cost in all (micro-dollars)  4 request id
--       5 expiry (ms)  6 stub of the usage event  7 number of attempts
--       8... for each attempt: tokens per minute or 0, tokens
--       ...  for each correction: tokens per minute, tokens to give back, block until or 0
-- Returns {state, number, index, levels}: ok (micro-dollars held), tokens (ms to wait), budget
-- (micro-dollars that the request may cost at most), cold (corrects nothing, unlike the others).
local now, limit, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held, most = 0, wanted
if limit >= 0 then
  local found = redis.call('HMGET', KEYS[1], 'settled', 'reserved', 'held:' .. ARGV[4])
  if not found[1] then
    return {'cold', 0, 0, {}}
  end
  held = tonumber(found[3] or '0')
  most = limit - tonumber(found[1]) - tonumber(found[2] or '0') + held
end
local count = tonumber(ARGV[7])
correct(4 + count, 8 + count * 2, #KEYS - 3 - count, now)
local waits, levels = look(4, 8, 2, count, now)
if wanted > held and wanted > most then
  return {'budget', most, 0, levels}
end
local place, wait = first_ready(waits)
if place == 0 then
  return {'tokens', wait, 0, levels}
end
local first = 6 + place * 2
levels[place] = change(KEYS[3 + place], tonumber(ARGV[first]), now, -tonumber(ARGV[first + 1]), 0)
if limit >= 0 and wanted > held then
  redis.call('HINCRBY', KEYS[1], 'reserved', wanted - held)
  redis.call('HSET', KEYS[1], 'held:' .. ARGV[4], wanted)
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[6])
redis.call('ZADD', KEYS[3], 'NX', ARGV[5], ARGV[4])
return {'ok', math.max(wanted, held), place - 1, levels}
