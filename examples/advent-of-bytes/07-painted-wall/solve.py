"""Reference solution: does the jobs one by one on a list of disjoint stretches. Reads an input, prints both answers."""
import re
import sys

stretches = []  # (start, end, job number), disjoint
for number, job, start, end in re.findall(r"(\d+): (\w+) (\d+)-(\d+)", sys.stdin.read()):
    start, end, left_over = int(start), int(end), []
    for a, b, old in stretches:
        if b < start or a > end:
            left_over.append((a, b, old))
            continue
        if a < start:
            left_over.append((a, start - 1, old))
        if b > end:
            left_over.append((end + 1, b, old))
    if job == "paint":
        left_over.append((start, end, int(number)))
    stretches = left_over
print(sum(b - a + 1 for a, b, _ in stretches))
print(sum((b - a + 1) * number for a, b, number in stretches))
