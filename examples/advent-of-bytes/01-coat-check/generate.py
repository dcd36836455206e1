"""Coats with a time in and a time out; minutes first, then a tariff."""
import json
import random

PRICE = {"oilskin": 1, "wool": 2, "leather": 3, "fur": 5}
DAY = 24 * 60
NIGHT_ENDS = 6 * 60


def clock(minute):
    return f"{minute % DAY // 60:02}:{minute % 60:02}"


def fee(kind, hung, minutes):
    if minutes <= 30:
        return 0
    begun = -(-minutes // 15)
    at_night = sum((hung + 15 * k) % DAY < NIGHT_ENDS for k in range(begun))
    return PRICE[kind] * (begun + at_night)


def stay():
    """How long a coat hangs: mostly an evening, now and then a moment, now and then until the cleaners come."""
    kind = random.random()
    if kind < 0.15:
        return random.randint(1, 60)
    if kind < 0.90:
        return random.randint(60, 480)
    return random.randint(480, DAY - 1)


lines, total_minutes, total_fee = [], 0, 0
for hook in random.sample(range(1, 10000), random.randint(560, 640)):
    kind = random.choice(list(PRICE))
    hung = random.randrange(15 * 60, 27 * 60) % DAY
    minutes = stay()
    lines.append(f"hook {hook:04}: {kind}, {clock(hung)} -> {clock(hung + minutes)}")
    total_minutes += minutes
    total_fee += fee(kind, hung, minutes)

print(json.dumps({"input": "\n".join(lines) + "\n", "result": [total_minutes, total_fee]}))
