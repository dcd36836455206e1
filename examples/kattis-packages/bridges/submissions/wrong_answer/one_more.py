import sys

_, most, *weights = map(int, sys.stdin.read().split())
print(sum(weights) // most + 1, most)
