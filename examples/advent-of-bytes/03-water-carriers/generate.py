"""A garden with hedges: distances from the nearest well, then with a few hedges cut."""
import json
import random

HEIGHT, WIDTH = 90, 110
WELLS, HOUSES, CUTS = 7, 160, 2


def steps_from(wells, garden, cuts):
    """The fewest steps to every square that can be reached with at most so many hedge squares cut."""
    best = {}
    now = [(y, x, 0) for y, x in wells]
    seen = set(now)
    steps = 0
    while now:
        later = []
        for y, x, cut in now:
            best.setdefault((y, x), steps)
            for b, a in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= b < HEIGHT and 0 <= a < WIDTH:
                    state = (b, a, cut + (garden[b][a] == "#"))
                    if state[2] <= cuts and state not in seen:
                        seen.add(state)
                        later.append(state)
        now, steps = later, steps + 1
    return best


def new_garden():
    density = random.uniform(0.34, 0.37)
    garden = [["#" if random.random() < density else "." for _ in range(WIDTH)] for _ in range(HEIGHT)]
    wells = []
    while len(wells) < WELLS:
        y, x = random.randrange(HEIGHT), random.randrange(WIDTH)
        if garden[y][x] == ".":
            garden[y][x] = "W"
            wells.append((y, x))
    return garden, wells


while True:
    garden, wells = new_garden()
    steps = steps_from(wells, garden, 0)
    if len(steps) > HEIGHT * WIDTH // 3:  # else the wells stand in small closed corners: draw again
        break

houses = random.sample(sorted(place for place in steps if place not in wells), HOUSES)
for y, x in houses:
    garden[y][x] = "H"
cut_steps = steps_from(wells, garden, CUTS)
result = [sum(way[house] ** 2 for house in houses) for way in (steps, cut_steps)]
print(json.dumps({"input": "\n".join("".join(row) for row in garden) + "\n", "result": result}))
