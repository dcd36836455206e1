"""Reference solution: relaxes a distance per square and number of cuts until nothing changes. Prints both answers."""
import sys

rows = sys.stdin.read().split()
height, width, far = len(rows), len(rows[0]), 10**9
# dist[c][y][x]: fewest steps to the square with at most c hedges cut.
dist = [[[0 if square == "W" else far for square in row] for row in rows] for _ in range(3)]
changed = True
while changed:
    changed = False
    sweep = [(y, x) for y in range(height) for x in range(width)]
    for order in (sweep, sweep[::-1]):
        for y, x in order:
            hedge = rows[y][x] == "#"
            for cuts in range(3):
                if cuts < hedge:
                    continue
                before = dist[cuts - hedge]
                best = min(
                    before[y - 1][x] if y else far,
                    before[y + 1][x] if y + 1 < height else far,
                    before[y][x - 1] if x else far,
                    before[y][x + 1] if x + 1 < width else far,
                )
                if best + 1 < dist[cuts][y][x]:
                    dist[cuts][y][x] = best + 1
                    changed = True
houses = [(y, x) for y in range(height) for x in range(width) if rows[y][x] == "H"]
print(sum(dist[0][y][x] ** 2 for y, x in houses))
print(sum(dist[2][y][x] ** 2 for y, x in houses))
