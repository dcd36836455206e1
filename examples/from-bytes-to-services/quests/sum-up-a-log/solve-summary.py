import sys

counts, bad = {}, 0
for line in sys.stdin:
    if not line.strip():
        continue
    parts = line.split()
    if len(parts) == 4 and parts[2].isdigit() and len(parts[2]) == 3 and parts[3].isdigit():
        counts[parts[2]] = counts.get(parts[2], 0) + 1
    else:
        bad += 1
for status, count in counts.items():
    print(status, count)
if bad:
    print("bad", bad)
