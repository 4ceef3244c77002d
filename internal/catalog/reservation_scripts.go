package catalog

import "github.com/redis/go-redis/v9"

// These scripts decide who gets the last item and which purchase of a cart may run. KEYS:
// stock left, the cart's record, heldKey, askKey, the mark of a settled order. ARGV: cart,
// order, then those of the script. A record has order_id, made (ms), lines and taken
// lines as JSON, and perhaps returned or ending. The scripts decode the JSON but never
// encode it: Lua has no integers and no empty array.
const common = `
local left, record, held, ask, settled = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local cart, order = ARGV[1], ARGV[2]
local found = redis.call('HMGET', record, 'order_id', 'made', 'returned', 'taken')
local mine = found[1] and found[1] == order

-- move changes what is left of a product and answers it. What was never
-- counted starts at what the catalogue says.
local function move(line, by)
  redis.call('HSETNX', left, line.sku, line.stock)
  return redis.call('HINCRBY', left, line.sku, by)
end

-- holds lists the stock that the record holds.
local function holds()
  if not found[1] or found[3] then return {} end
  return cjson.decode(found[4])
end

local function give_back()
  for _, line in ipairs(holds()) do move(line, line.quantity) end
end

local function forget()
  redis.call('DEL', record)
  redis.call('ZREM', held, cart)
  redis.call('ZREM', ask, cart)
end
`

func script(body string) *redis.Script { return redis.NewScript(common + body) }

// reserve: made, young, lines, taken, body, first ask, life.
var reserve = script(`
local made, young, taken = tonumber(ARGV[3]), tonumber(ARGV[4]), cjson.decode(ARGV[6])
if redis.call('EXISTS', settled) == 1 then return {'settled', '', 0} end
if found[1] and not mine and made - tonumber(found[2]) < young then return {'running', '', 0} end
local own = {}
for _, line in ipairs(holds()) do own[line.sku] = line.quantity end
for _, line in ipairs(taken) do
  local n = tonumber(redis.call('HGET', left, line.sku) or line.stock) + (own[line.sku] or 0)
  if n < line.quantity then return {'short', line.sku, n} end
end
give_back()
forget()
for _, line in ipairs(taken) do move(line, -line.quantity) end
redis.call('HSET', record, 'v', 1, 'order_id', order, 'made', ARGV[3], 'lines', ARGV[5], 'taken', ARGV[6], 'body', ARGV[7])
if #taken > 0 then redis.call('ZADD', held, ARGV[3], cart) end
redis.call('ZADD', ask, ARGV[8], cart)
for _, key in ipairs({record, held, ask}) do redis.call('PEXPIRE', key, ARGV[9]) end
return {'ok', '', 0}
`)

// settle: taken, closed, life of the mark. It takes the sold lines after giving back what
// the record holds.
var settle = script(`
local mark = redis.call('GET', settled)
if mark then
  if mine then
    give_back()
    forget()
  end
  return tonumber(mark)
end
if not mine and ARGV[4] == '0' then return 0 end
local own = {}
if mine then
  for _, line in ipairs(holds()) do own[line.sku] = line.quantity end
  give_back()
  forget()
end
local short = 0
for _, line in ipairs(cjson.decode(ARGV[3])) do
  local n = move(line, -line.quantity)
  if n < 0 and line.quantity > (own[line.sku] or 0) then short = 1 end
end
redis.call('SET', settled, short, 'PX', ARGV[5])
return short
`)

var drop = script(`
if not found[1] then
  forget()
elseif mine then
  give_back()
  forget()
end
return 0
`)

// become: the old name. The record gets the new name, unless that order is settled.
var become = script(`
if not found[1] or found[1] ~= ARGV[3] then return 0 end
if redis.call('EXISTS', settled) == 1 then
  give_back()
  forget()
else
  redis.call('HSET', record, 'order_id', order)
  redis.call('HDEL', record, 'body')
end
return 1
`)

// setEnding: ending.
var setEnding = script(`
if not mine then return 0 end
if ARGV[3] == '1' then redis.call('HSET', record, 'ending', 1) else redis.call('HDEL', record, 'ending') end
return 1
`)

// giveBack: those made until then.
var giveBack = script(`
if found[1] and tonumber(found[2]) > tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', held, cart)
if not found[1] or found[3] then return 0 end
give_back()
redis.call('HSET', record, 'returned', 1)
return 1
`)

// asked: now, every, watched.
var asked = script(`
if not mine then return 0 end
local now, ends = tonumber(ARGV[3]), tonumber(found[2]) + tonumber(ARGV[5])
if now >= ends then
  give_back()
  forget()
else
  redis.call('ZADD', ask, math.min(now + tonumber(ARGV[4]), ends), cart)
end
return 0
`)
