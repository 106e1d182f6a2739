-- Admission in one trip: rate limit, cached answer, budget, the provider's tokens, reservation.
-- Nothing is taken on a refusal; a cached answer takes its place in the rate only.
-- KEYS: 1 rate  2 answer  3 budget  4 reservations (hash)  5 reservation expiries (sorted set)
--       6... the buckets of the planned attempts
-- ARGV: 1 now (ms)  2 requests per minute or 0  3 budget or -1  4 reserve (micro-dollars)
--       5 request id  6 expiry (ms)  7 stub of the usage event  8 look for an answer (1 or 0)
--       9... for each planned attempt: its provider's tokens per minute or 0, its tokens
-- Returns {state, number, answer, index of the attempt that has its tokens, levels of the buckets,
--          requests that may follow at once, ms until the rate is whole again}.
-- States: ok (reserved), hit (the answer), rate and tokens (ms to wait), budget (micro-dollars left),
--         cold (the budget's spend must be rebuilt first).
-- Rate: generic cell rate algorithm (ITU-T I.371), one minute of burst.
local now, per_minute = tonumber(ARGV[1]), tonumber(ARGV[2])
local limit, amount = tonumber(ARGV[3]), tonumber(ARGV[4])
-- `used` is how much of the minute is taken; what sums of fractions are off by stays far below the
-- hundredth of a request by which the minute is longer.
local step, used, minute = 0, 0, 60000
if per_minute > 0 then
  step = 60000 / per_minute
  minute = 60000 + step / 100
  used = math.max(tonumber(redis.call('GET', KEYS[1]) or '0') - now, 0)
end
local function told(state, number, text, place, levels)
  local left = 0
  if per_minute > 0 then
    left = math.min(math.max(math.floor((minute - used) / step), 0), per_minute)
  end
  return {state, number, text, place, levels, left, math.ceil(used)}
end
if used + step > minute then
  return told('rate', math.ceil(used + step - 60000), '', 0, {})
end
local answer = false
if ARGV[8] == '1' then
  answer = redis.call('GET', KEYS[2])
end
local place, levels = 1, {}
if not answer then
  if limit >= 0 then
    local found = redis.call('HMGET', KEYS[3], 'settled', 'reserved')
    if not found[1] then
      return told('cold', 0, '', 0, {})
    end
    local left = limit - tonumber(found[1]) - tonumber(found[2] or '0')
    if amount > left then
      return told('budget', left, '', 0, {})
    end
  end
  local planned = #KEYS - 5
  if planned > 0 then
    local waits, wait
    waits, levels = look(6, 9, 2, planned, now)
    place, wait = first_ready(waits)
    if place == 0 then
      return told('tokens', wait, '', 0, levels)
    end
    local tokens = tonumber(ARGV[9 + (place - 1) * 2 + 1])
    levels[place] = change(KEYS[5 + place], tonumber(ARGV[9 + (place - 1) * 2]), now, -tokens, 0)
  end
  if limit >= 0 then
    redis.call('HINCRBY', KEYS[3], 'reserved', amount)
    -- What is held is kept by request, so that its settlement releases this and nothing else.
    redis.call('HSET', KEYS[3], 'held:' .. ARGV[5], amount)
  end
end
if per_minute > 0 then
  used = used + step
  redis.call('SET', KEYS[1], string.format('%.6f', now + used), 'PX', 120000)
end
if answer then
  return told('hit', 0, answer, 0, {})
end
redis.call('HSET', KEYS[4], ARGV[5], ARGV[7])
redis.call('ZADD', KEYS[5], ARGV[6], ARGV[5])
return told('ok', amount, '', place - 1, levels)
