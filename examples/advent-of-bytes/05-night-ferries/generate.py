"""Ferries with timetables: earliest arrivals, then with one wait skipped."""
import heapq
import json
import random

HARBOURS = 220
FIRST = "Wren Ox Fen Gull Salt Hal Birk Thorn Ash Moss Cold Grey Elk Rook Sand Tarn Loch Heron Pike Whit Otter Plum Rime Stone Ever Hart Black Long".split()
LAST = "holm mouth nick wick haven ness sund by ford ey".split()

names = ["Questhall"] + random.sample([a + b for a in FIRST for b in LAST], HARBOURS - 1)
islands = {name: (random.random(), random.random()) for name in names}


def crossing(a, b):
    (ax, ay), (bx, by) = islands[a], islands[b]
    return 3 + round(100 * ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5) + random.randint(0, 6)


ferries = []


def add_ferry(a, b):
    every = random.randint(12, 95)
    ferries.append((a, b, random.randint(0, 100), every, crossing(a, b)))


def near(name, among):
    x, y = islands[name]
    return sorted(among, key=lambda other: (islands[other][0] - x) ** 2 + (islands[other][1] - y) ** 2)


for number in range(1, HARBOURS):  # a way to every harbour …
    add_ferry(random.choice(near(names[number], names[:number])[:3]), names[number])
for name in names:  # … and a choice of ways
    for other in random.sample(near(name, names)[1:9], random.randint(1, 4)):
        add_ferry(name, other)
random.shuffle(ferries)

leaving = {name: [] for name in names}
for ferry in ferries:
    leaving[ferry[0]].append(ferry)


def arrivals(whistles):
    best = {}
    queue = [(0, 0, "Questhall")]
    while queue:
        minute, used, name = heapq.heappop(queue)
        if (name, used) in best:
            continue
        best[name, used] = minute
        for _, other, first, every, takes in leaving[name]:
            wait = first - minute if minute <= first else (first - minute) % every
            heapq.heappush(queue, (minute + wait + takes, used, other))
            if used < whistles:
                heapq.heappush(queue, (minute + takes, used + 1, other))
    return [min(best[name, used] for used in range(whistles + 1) if (name, used) in best) for name in names]


lines = [f"{a} > {b}: from minute {first}, every {every}, takes {takes}" for a, b, first, every, takes in ferries]
print(json.dumps({"input": "\n".join(lines) + "\n", "result": [sum(arrivals(0)), sum(arrivals(1))]}))
