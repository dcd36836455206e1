"""Reference solution: simulates the first batch, halves its way through the second. Prints both answers."""
import functools
import re
import sys

text = sys.stdin.read()
first, second = (int(batch) for batch in re.findall(r"batch: (\d+)", text))
entrance = "gate " + re.search(r"entrance: gate (\d+)", text)[1]
gates = {
    gate: (left, right, points)
    for gate, left, right, points in re.findall(r"(gate \d+): left (\w+ \d+), right (\w+ \d+), points (\w+)", text)
}

pointing = {gate: points for gate, (_, _, points) in gates.items()}
total = 0
for _ in range(first):
    place = entrance
    while place in gates:
        way = pointing[place]
        pointing[place] = "left" if way == "right" else "right"
        place = gates[place][0 if way == "left" else 1]
    total += int(place.split()[1])
print(total)

above = {}
for gate, (left, right, _) in gates.items():
    above.setdefault(left, []).append((gate, "left"))
    above.setdefault(right, []).append((gate, "right"))
sys.setrecursionlimit(10000)


@functools.cache
def marbles(place):
    arrived = second if place == entrance else 0
    for gate, side in above.get(place, []):
        arrived += (marbles(gate) + (gates[gate][2] == side)) // 2
    return arrived


print(sum(int(place.split()[1]) * marbles(place) for place in above if place.startswith("bin")))
