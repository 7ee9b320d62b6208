# needs: python3
# timeout: 120
/usr/bin/python3 - <<'P'
import json, re, decimal, collections, itertools, datetime, hashlib, math, struct, textwrap, fractions, random, string
print(json.dumps({"a": [1, 2.5, None, True, "é"], "b": {"c": 1e300}}, sort_keys=True))
print(re.findall(r"(\w)(\d+)", "a1 b22 c333"), re.sub(r"\s+", " ", "a  b \n c"))
decimal.getcontext().prec = 50
print(decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7)
print(collections.Counter("abracadabra").most_common(2), list(itertools.permutations("abc"))[:3])
print(datetime.datetime.fromtimestamp(0, datetime.timezone.utc).isoformat(), hashlib.sha256(b"x" * 1000).hexdigest())
print(math.pi.hex(), 2 ** 200, -7 // 2, 0.1 + 0.2, float("1e-320"), struct.pack("<dqh", 1.5, -2, 3).hex())
print(fractions.Fraction(22, 7) + 1, textwrap.fill("the quick brown fox", 10)); random.seed(42); print(random.random(), random.sample(range(100), 3))
class A:
    def __init__(self): self.x = [i * i for i in range(5)]
    def __repr__(self): return f"A({self.x})"
print(A(), sorted({3, 1, 2}), f"{1234567.891:,.2f}")
try: 1 / 0
except ZeroDivisionError as e: print(type(e).__name__, e)
print(sum(i * i for i in range(20000)))
P
