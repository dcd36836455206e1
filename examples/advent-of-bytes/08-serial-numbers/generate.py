"""Counting numbers with a rule about neighbouring digits and the digit sum, in ranges of up to seventeen digits."""
import json
import random

DIGITS = 17
apart = random.choice([2, 3, 4])
divisor = random.choice([7, 9, 11, 13])

# tails[n][d][r]: ways to write n more digits after the digit d, with a digit sum of r (modulo the divisor).
tails = [[[int(r == 0) for r in range(divisor)] for _ in range(10)]]
for _ in range(DIGITS):
    before = tails[-1]
    tails.append([
        [
            sum(before[e][(r - e) % divisor] for e in range(max(0, d - apart), min(9, d + apart) + 1))
            for r in range(divisor)
        ]
        for d in range(10)
    ])


def smooth_below(bound):
    """How many smooth numbers n there are with 1 <= n < bound."""
    digits = [int(digit) for digit in str(bound)]
    size = len(digits)
    count = sum(tails[n - 1][d][-d % divisor] for n in range(1, size) for d in range(1, 10))
    total = 0
    for place, digit in enumerate(digits):
        last = digits[place - 1] if place else None
        for d in range(0 if place else 1, digit):
            if last is None or abs(d - last) <= apart:
                count += tails[size - place - 1][d][(-total - d) % divisor]
        if place and abs(digit - last) > apart:
            break
        total += digit
    return count


blocks = []
for _ in range(random.randint(240, 280)):
    low = random.randint(1, 10 ** random.randint(3, DIGITS - 1))
    blocks.append((low, low + random.randint(1, 10 ** random.randint(3, DIGITS - 1))))

result = sum(smooth_below(high + 1) - smooth_below(low) for low, high in blocks)
lines = [f"neighbours differ by at most {apart}, digits add up to a multiple of {divisor}"]
lines += [f"{low}-{high}" for low, high in blocks]
print(json.dumps({"input": "\n".join(lines) + "\n", "result": result}))
