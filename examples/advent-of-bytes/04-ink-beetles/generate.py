"""Beetles that turn by the ink they find, on a sheet with glued edges."""
import json
import random

HEIGHT, WIDTH, BEETLES = 48, 64, 6
STEP = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
FACINGS = "NESW"
TURN = {"S": 0, "R": 1, "B": 2, "L": 3}

ticks = random.randint(3000, 5000)
sheet = [[0 if random.random() < 0.9 else random.randint(1, 3) for _ in range(WIDTH)] for _ in range(HEIGHT)]
starts = random.sample([(y, x) for y in range(HEIGHT) for x in range(WIDTH)], BEETLES)
beetles = []
for y, x in starts:
    # At least one left and one right: a beetle that only goes straight or back never gets anywhere interesting.
    manner = ["L", "R", random.choice("LRSB"), random.choice("LRS")]
    random.shuffle(manner)
    beetles.append([y, x, random.randrange(4), "".join(manner)])

lines = [f"ticks {ticks}"]
lines += [f"beetle {y} {x} {FACINGS[facing]} {manner}" for y, x, facing, manner in beetles]
lines += [""] + ["".join(map(str, row)) for row in sheet]

taken = set(starts)
for _ in range(ticks):
    for beetle in beetles:
        y, x, facing, manner = beetle
        ink = sheet[y][x]
        facing = (facing + TURN[manner[ink]]) % 4
        sheet[y][x] = (ink + 1) % 4
        dy, dx = STEP[FACINGS[facing]]
        goal = ((y + dy) % HEIGHT, (x + dx) % WIDTH)
        if goal not in taken:
            taken.remove((y, x))
            taken.add(goal)
            y, x = goal
        beetle[:3] = y, x, facing

squares = [ink for row in sheet for ink in row]
result = sum(number * ink for number, ink in enumerate(squares, start=1))
print(json.dumps({"input": "\n".join(lines) + "\n", "result": result}))
