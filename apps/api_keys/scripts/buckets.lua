-- Buckets of the providers' tokens per minute; every script that uses them begins with this text.
-- A bucket is a hash (level, at, blocked_until; times in ms). It holds a quarter of a minute, refills
-- evenly, may be in debt, and is forgotten once it must be full again. 0 per minute: no bucket.
local BURSTS, MINUTE_MS, KEEP_MS = 4, 60000, 60000
-- A clock that is further ahead than this is wrong: nobody waits for it.
local MOST_SKEW_MS = 5000

-- Returns what the bucket holds now, the time until which it is blocked, and what "now" is to it.
local function bucket(key, per_minute, now)
  local found = redis.call('HMGET', key, 'level', 'at', 'blocked_until')
  local level, most = tonumber(found[1] or ''), per_minute / BURSTS
  if not level then
    return most, tonumber(found[3] or '0'), now
  end
  local at = tonumber(found[2])
  if at > now and at <= now + MOST_SKEW_MS then
    now = at
  end
  local refilled = math.max(now - at, 0) * per_minute / MINUTE_MS
  return math.min(level + refilled, most), tonumber(found[3]), now
end

local function put_bucket(key, per_minute, now, level, blocked_until)
  local full_in = (per_minute / BURSTS - level) * MINUTE_MS / per_minute
  local told = {'level', string.format('%.3f', level), 'at', string.format('%.0f', now)}
  redis.call('HSET', key, told[1], told[2], told[3], told[4], 'blocked_until', string.format('%.0f', blocked_until))
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(full_in, blocked_until - now, 0) + KEEP_MS))
end

-- Looks at the buckets of `count` attempts and takes nothing. Each is a bucket in KEYS, from
-- `first_key` on, and per minute, tokens, ... in ARGV, `step` values each, from `first` on.
-- Returns the ms that each must wait (0: its tokens are there), and what each bucket holds.
-- More tokens than a bucket can ever hold are there when it is full.
local function look(first_key, first, step, count, now)
  local waits, levels = {}, {}
  for i = 1, count do
    local place = first + (i - 1) * step
    local per_minute, tokens = tonumber(ARGV[place]), tonumber(ARGV[place + 1])
    waits[i], levels[i] = 0, 0
    if per_minute > 0 then
      local level, blocked_until, at = bucket(KEYS[first_key + i - 1], per_minute, now)
      local missing = math.min(tokens, per_minute / BURSTS) - level
      waits[i] = math.ceil(math.max(missing * MINUTE_MS / per_minute, blocked_until - now, 0))
      levels[i] = math.floor(level)
    end
  end
  return waits, levels
end

-- Returns the place (from 1) of the first that need not wait, or 0 and the shortest wait.
local function first_ready(waits)
  local shortest = 0
  for i = 1, #waits do
    if waits[i] == 0 then
      return i, 0
    end
    if i == 1 or waits[i] < shortest then
      shortest = waits[i]
    end
  end
  return 0, shortest
end

-- Gives tokens back (below 0: takes them); `block_until` above 0 empties the bucket and blocks it.
-- Returns what it holds then.
local function change(key, per_minute, now, tokens, block_until)
  if per_minute <= 0 then
    return 0
  end
  local level, blocked_until, at = bucket(key, per_minute, now)
  level = level + tokens
  if block_until > 0 then
    level, blocked_until = math.min(level, 0), math.max(blocked_until, block_until)
  end
  put_bucket(key, per_minute, at, level, blocked_until)
  return math.floor(level)
end

-- Applies `count` corrections: a bucket in KEYS each, and per minute, tokens, block until in ARGV.
local function correct(first_key, first, count, now)
  for i = 1, count do
    local place = first + (i - 1) * 3
    local tokens, block_until = tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
    change(KEYS[first_key + i - 1], tonumber(ARGV[place]), now, tokens, block_until)
  end
end
