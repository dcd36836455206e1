"""Gates that flip at every marble: a small batch to simulate, a big one to think about."""
import json
import random

GATES, BINS = 700, 40

numbers = random.sample(range(1, 1000), GATES)
bins = sorted(random.sample(range(100, 1000), BINS))


def way_out(place):
    """A gate a little further down; near the end, more and more often a bin."""
    furthest = place + random.randint(1, 45)
    if furthest >= GATES or random.random() < 0.01:
        return ("bin", random.choice(bins))
    return ("gate", numbers[furthest])


gates = {}  # in an order in which marbles only go downwards
for place, number in enumerate(numbers):
    left, right = way_out(place), way_out(place)
    while right == left:
        right = way_out(place)
    gates[number] = (left, right, random.choice(["left", "right"]))


def checksum(marbles):
    arriving = {number: 0 for number in numbers}
    arriving[numbers[0]] = marbles
    total = 0
    for number, (left, right, points) in gates.items():
        more, fewer = (arriving[number] + 1) // 2, arriving[number] // 2
        shares = (more, fewer) if points == "left" else (fewer, more)
        for (kind, goal), share in zip((left, right), shares):
            if kind == "bin":
                total += goal * share
            else:
                arriving[goal] += share
    return total


batches = random.randint(900, 1500), random.randint(10**12, 9 * 10**13)
lines = [
    f"gate {number}: left {left[0]} {left[1]}, right {right[0]} {right[1]}, points {points}"
    for number, (left, right, points) in gates.items()
]
random.shuffle(lines)
lines = [f"first batch: {batches[0]}", f"second batch: {batches[1]}", *lines, f"entrance: gate {numbers[0]}"]
print(json.dumps({"input": "\n".join(lines) + "\n", "result": [checksum(batch) for batch in batches]}))
