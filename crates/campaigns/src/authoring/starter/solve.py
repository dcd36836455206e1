# Solves the challenge another way: reads an input, prints the answer. `questhall campaign check` compares.
import sys

total = 0
for line in sys.stdin:
    total += int(line)
print(total)
