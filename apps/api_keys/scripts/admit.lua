-- Admission in one trip: rate limit, cached answer, budget, reservation. Nothing is taken on a refusal.
-- KEYS: 1 rate  2 answer  3 budget  4 reservations (hash)  5 reservation expiries (sorted set)
-- ARGV: 1 now (ms)  2 requests per minute or 0  3 budget or -1  4 reserve (micro-dollars)
--       5 request id  6 expiry (ms)  7 stub of the usage event  8 look for an answer (1 or 0)
-- Returns {state, number, answer}: ok (reserved), hit (the answer), rate (ms to wait),
--         budget (micro-dollars left), cold (the budget's spend must be rebuilt first).
-- Rate: generic cell rate algorithm (ITU-T I.371), one minute of burst.
local now, per_minute = tonumber(ARGV[1]), tonumber(ARGV[2])
local limit, amount = tonumber(ARGV[3]), tonumber(ARGV[4])
local arrival = 0
if per_minute > 0 then
  local step = 60000 / per_minute
  arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + step
  if arrival - now > 60000 + 0.001 then
    return {'rate', math.ceil(arrival - now - 60000), ''}
  end
end
local answer = false
if ARGV[8] == '1' then
  answer = redis.call('GET', KEYS[2])
end
if not answer and limit >= 0 then
  local settled = redis.call('HGET', KEYS[3], 'settled')
  if not settled then
    return {'cold', 0, ''}
  end
  local reserved = tonumber(redis.call('HGET', KEYS[3], 'reserved') or '0')
  local left = limit - tonumber(settled) - reserved
  if amount > left then
    return {'budget', left, ''}
  end
  redis.call('HINCRBY', KEYS[3], 'reserved', amount)
  -- What is held is kept by request, so that its settlement releases this and nothing else.
  redis.call('HSET', KEYS[3], 'held:' .. ARGV[5], amount)
end
if per_minute > 0 then
  redis.call('SET', KEYS[1], string.format('%.3f', arrival), 'PX', 120000)
end
if answer then
  return {'hit', 0, answer}
end
redis.call('HSET', KEYS[4], ARGV[5], ARGV[7])
redis.call('ZADD', KEYS[5], ARGV[6], ARGV[5])
return {'ok', amount, ''}
