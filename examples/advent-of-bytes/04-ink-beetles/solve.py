"""Reference solution with complex numbers for places and directions. Reads an input, prints the answer."""
import sys

head, sheet = sys.stdin.read().rstrip("\n").split("\n\n")
rows = sheet.split("\n")
height, width = len(rows), len(rows[0])
ink = {complex(x, y): int(rows[y][x]) for y in range(height) for x in range(width)}
first, *beetle_lines = head.split("\n")
ticks = int(first.split()[1])
where, facing, manners = [], [], []
for line in beetle_lines:
    _, row, column, direction, manner = line.split()
    where.append(complex(int(column), int(row)))
    facing.append({"N": -1j, "E": 1 + 0j, "S": 1j, "W": -1 + 0j}[direction])
    manners.append(manner)
for _ in range(ticks):
    for i, manner in enumerate(manners):
        place = where[i]
        facing[i] *= {"R": 1j, "L": -1j, "B": -1, "S": 1}[manner[ink[place]]]
        ink[place] = (ink[place] + 1) % 4
        goal = place + facing[i]
        goal = complex(goal.real % width, goal.imag % height)
        if goal not in where:
            where[i] = goal
print(sum(int(1 + place.imag * width + place.real) * colour for place, colour in ink.items()))
