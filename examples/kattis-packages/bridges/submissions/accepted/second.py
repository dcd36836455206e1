import sys

_, most, *weights = map(int, sys.stdin.read().split())
loads = []
for weight in weights:
    if loads and loads[-1] + weight <= most:
        loads[-1] += weight
    else:
        loads.append(weight)
print(f"{len(loads)}   {max(loads)}")
