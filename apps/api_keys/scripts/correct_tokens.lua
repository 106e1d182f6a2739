-- Corrects the buckets by what calls really used, and blocks those whose provider said "not now".
-- KEYS: the buckets  ARGV: 1 now (ms)  then for each: tokens per minute, tokens to give back, block until or 0
correct(1, 2, #KEYS, tonumber(ARGV[1]))
