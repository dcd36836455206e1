import sys

number = 0
for line in sys.stdin:
    line = line.rstrip("\n")
    if line:
        number += 1
        print(number, line)
