# needs: luajit
# timeout: 90
luajit -e 'local t = {} for i = 1, 100000 do t[i] = i * 2 end local s = 0 for i = 1, #t do s = s + t[i] end print(s, (jit.status()))'
luajit -e 'local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end print(fib(24)); print(("x"):rep(3), string.format("%.3f", math.pi), bit.bxor(5, 3))'
luajit -e 'local ffi = require "ffi" ffi.cdef "int abs(int); double sqrt(double);" print(ffi.C.abs(-5), ffi.C.sqrt(2)) print(pcall(error, "x")) local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(c(), c(), c())'
