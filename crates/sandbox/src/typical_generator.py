import json
import random
from collections import deque


def make(side):
    grid = [["#" if random.random() < 0.3 else "." for _ in range(side)] for _ in range(side)]
    grid[0][0] = grid[side - 1][side - 1] = "."
    return grid


def shortest(grid):
    side = len(grid)
    queue, seen = deque([(0, 0, 0)]), {(0, 0)}
    while queue:
        x, y, steps = queue.popleft()
        if x == y == side - 1:
            return steps
        for a, b in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if 0 <= a < side and 0 <= b < side and grid[b][a] == "." and (a, b) not in seen:
                seen.add((a, b))
                queue.append((a, b, steps + 1))
    return None


answer = None
while answer is None:
    maze = make(40)
    answer = shortest(maze)
print(json.dumps({"input": "\n".join("".join(row) for row in maze), "result": answer}))
