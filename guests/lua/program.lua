-- What the Lua load runs: objects, closures, tables as arrays and as maps, texts, integers and floats, garbage.

local Account = {}
Account.__index = Account

function Account.new(name, balance)
  return setmetatable({ name = name, balance = balance, moves = {} }, Account)
end

function Account:move(amount)
  self.balance = self.balance + amount
  self.moves[#self.moves + 1] = { amount = amount, after = self.balance }
  return self
end

local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b)
  return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector)
end
Vector.__mul = function(a, factor)
  return setmetatable({ x = a.x * factor, y = a.y * factor }, Vector)
end

local function generator(seed)
  local state = seed
  return function(limit)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % limit
  end
end

local function sort(list, less, low, high)
  while low < high do
    local pivot, i, j = list[(low + high) // 2], low, high
    while i <= j do
      while less(list[i], pivot) do i = i + 1 end
      while less(pivot, list[j]) do j = j - 1 end
      if i <= j then
        list[i], list[j] = list[j], list[i]
        i, j = i + 1, j - 1
      end
    end
    sort(list, less, low, j)
    low = i
  end
end

local text = "a guest of its host has a clock of its own and a host has the time of the guest "

local function count_words()
  local counts, names, start = {}, {}, 1
  for place = 1, #text do
    if byte(text, place) == 32 then
      local word = part(text, start, place - 1)
      if not counts[word] then names[#names + 1] = word end
      counts[word] = (counts[word] or 0) + 1
      start = place + 1
    end
  end
  sort(names, function(a, b) return a < b end, 1, #names)
  local sum = 0
  for place = 1, #names do sum = sum * 7 + counts[names[place]] * #names[place] end
  return sum
end

local function accounts_work(random)
  local accounts, sum = {}, 0
  for number = 1, 20 do accounts[number] = Account.new("account " .. number, number * 100) end
  for _ = 1, 300 do
    local amount = random(50)
    accounts[random(20) + 1]:move(-amount)
    accounts[random(20) + 1]:move(amount)
  end
  sort(accounts, function(a, b) return a.balance < b.balance end, 1, #accounts)
  for place = 1, #accounts do
    local account = accounts[place]
    sum = sum + account.balance * place + #account.moves + byte(account.name, #account.name)
  end
  return sum
end

local function floats_work(random)
  local position, speed = setmetatable({ x = 0.0, y = 1.0 }, Vector), setmetatable({ x = 0.5, y = 0.0 }, Vector)
  for _ = 1, 150 do
    speed = speed + position * -0.0625
    position = position + speed * 0.25
  end
  local matrix, sum = {}, 0.0
  for row = 1, 12 do
    matrix[row] = {}
    for column = 1, 12 do matrix[row][column] = random(100) / 8.0 end
  end
  for row = 1, 12 do
    for column = 1, 12 do
      local cell = 0.0
      for i = 1, 12 do cell = cell + matrix[row][i] * matrix[i][column] end
      sum = sum + cell * row
    end
  end
  return whole(sum * 16) + whole(position.x * 1048576) + whole(speed.y * 1048576)
end

local function sieve_work(limit)
  local composite, count = {}, 0
  for number = 2, limit do
    if not composite[number] then
      count = count + 1
      for multiple = number * number, limit, number do composite[multiple] = true end
    end
  end
  return count
end

local function texts_work(random)
  local line = ""
  for _ = 1, 60 do line = line .. part(text, 1 + random(40), 42 + random(38)) .. "/" end
  local hash = 0
  for place = 1, #line, 3 do hash = (hash * 31 + byte(line, place)) & 0xffffffff end
  return hash
end

function round(seed)
  local random = generator(seed & 0xffffff)
  local sum = accounts_work(random)
  sum = sum * 31 + floats_work(random)
  sum = sum * 31 + count_words()
  sum = sum * 31 + sieve_work(500 + random(100))
  return sum * 31 + texts_work(random)
end
