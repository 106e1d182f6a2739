-- Settlement in one trip, once per request: charge, release, append the event, keep the answer.
-- KEYS: 1 settled marker  2 budget  3 reservations  4 reservation expiries  5 usage stream  6 answer
-- ARGV: 1 request id  2 cost  3 reserved  4 event  5 answer or ''  6 seconds to keep the answer
--       7 seconds to keep the marker
-- Returns 1 when it settled, 0 when that was done before.
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[7]) then
  return 0
end
-- A budget that was lost is rebuilt from the books, which will hold this event.
if redis.call('HEXISTS', KEYS[2], 'settled') == 1 then
  redis.call('HINCRBY', KEYS[2], 'settled', ARGV[2])
  if tonumber(ARGV[3]) > 0 and redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
    redis.call('HINCRBY', KEYS[2], 'reserved', -tonumber(ARGV[3]))
  end
end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], '*', 'event', ARGV[4])
if ARGV[5] ~= '' then
  redis.call('SET', KEYS[6], ARGV[5], 'EX', ARGV[6])
end
return 1
