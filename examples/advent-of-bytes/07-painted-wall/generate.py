"""A wall too long for an array, painted over and over and scrubbed here and there."""
import heapq
import json
import random

LENGTH = 10**10
COLOURS = "teal plum ochre rust cobalt ivory moss amber slate coral indigo sand".split()

jobs = []
for number in range(1, random.randint(900, 1100)):
    # Sizes of all magnitudes; the largest of them first of all, or they would hide everything.
    size = int(10 ** random.uniform(3, 8.6 - 1.2 * number / 1000))
    if jobs and random.random() < 0.5:  # near an earlier job, so that they overlap in every way
        centre = random.choice(random.choice(jobs)[1:3]) + random.randint(-size, size)
    else:
        centre = random.randint(1, LENGTH)
    centre = min(max(centre, 1), LENGTH)
    start = max(1, centre - size // 2)
    end = min(LENGTH, start + size)
    jobs.append((number, start, end, random.random() < 0.8))

# A sweep along the wall: a job is active between its two ends, and the highest active number shows.
starts = sorted(jobs, key=lambda job: job[1])
places = sorted({job[1] for job in jobs} | {job[2] + 1 for job in jobs})
active, upcoming, metres, pay = [], 0, 0, 0
for here, following in zip(places, places[1:]):
    while upcoming < len(starts) and starts[upcoming][1] == here:
        number, _, end, paints = starts[upcoming]
        heapq.heappush(active, (-number, end, paints))
        upcoming += 1
    while active and active[0][1] < here:
        heapq.heappop(active)
    if active and active[0][2]:
        metres += following - here
        pay += (following - here) * -active[0][0]

lines = [
    f"{number}: paint {start}-{end} {random.choice(COLOURS)}" if paints else f"{number}: scrub {start}-{end}"
    for number, start, end, paints in jobs
]
print(json.dumps({"input": "\n".join(lines) + "\n", "result": [metres, pay]}))
