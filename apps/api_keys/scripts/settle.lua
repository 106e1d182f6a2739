-- Settlement in one trip, once per request: charge, release, append the event, keep the answer,
-- correct the buckets of the providers' tokens.
-- KEYS: 1 settled marker  2 budget  3 reservations  4 reservation expiries  5 usage stream  6 answer
--       7... the buckets
-- ARGV: 1 request id  2 cost  3 event  4 answer or ''  5 seconds to keep the answer
--       6 seconds to keep the marker  7 now (ms)
--       8... for each bucket: tokens per minute, tokens to give back, block until (ms) or 0
-- Returns 1 when it settled, 0 when that was done before.
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[6]) then
  return 0
end
-- A budget that was lost is rebuilt from books and journals: what they told already ("counted")
-- must not be charged again, and what was held went with it.
local counted, held = 'counted:' .. ARGV[1], 'held:' .. ARGV[1]
if redis.call('HDEL', KEYS[2], counted) == 0 and redis.call('HEXISTS', KEYS[2], 'settled') == 1 then
  redis.call('HINCRBY', KEYS[2], 'settled', ARGV[2])
end
local amount = redis.call('HGET', KEYS[2], held)
if amount then
  redis.call('HINCRBY', KEYS[2], 'reserved', -tonumber(amount))
  redis.call('HDEL', KEYS[2], held)
end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], '*', 'event', ARGV[3])
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[6], ARGV[4], 'EX', ARGV[5])
end
correct(7, 8, #KEYS - 6, tonumber(ARGV[7]))
return 1
