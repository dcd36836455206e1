"""Reference solution, by walking minute by minute. Reads an input, prints both answers."""
import re
import sys

PRICE = {"oilskin": 1, "wool": 2, "leather": 3, "fur": 5}
minutes_in_all = bytes_in_all = 0
for kind, h1, m1, h2, m2 in re.findall(r": (\w+), (\d\d):(\d\d) -> (\d\d):(\d\d)", sys.stdin.read()):
    now, end = (int(h1), int(m1)), (int(h2), int(m2))
    hung, price = 0, 0
    while now != end:
        if hung % 15 == 0:
            price += PRICE[kind] * (2 if now[0] < 6 else 1)
        hung += 1
        now = (now[0], now[1] + 1) if now[1] < 59 else ((now[0] + 1) % 24, 0)
    minutes_in_all += hung
    bytes_in_all += price if hung > 30 else 0
print(minutes_in_all)
print(bytes_in_all)
