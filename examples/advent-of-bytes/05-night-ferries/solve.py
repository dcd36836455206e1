"""Reference solution by repeated relaxation of every ferry. Reads an input, prints both answers."""
import re
import sys

pattern = r"(\w+) > (\w+): from minute (\d+), every (\d+), takes (\d+)"
ferries = [(a, b, int(f), int(e), int(t)) for a, b, f, e, t in re.findall(pattern, sys.stdin.read())]
plain = {"Questhall": 0}
whistled = {"Questhall": 0}  # earliest with the whistle used or not


def relax(times, harbour, minute):
    if minute < times.get(harbour, 10**9):
        times[harbour] = minute
        return True
    return False


def departure(minute, first, every):
    while first < minute:
        first += every
    return first


changed = True
while changed:
    changed = False
    for a, b, first, every, takes in ferries:
        if a in plain:
            by_timetable = departure(plain[a], first, every) + takes
            changed |= relax(plain, b, by_timetable)
            changed |= relax(whistled, b, by_timetable)
            changed |= relax(whistled, b, plain[a] + takes)
        if a in whistled:
            changed |= relax(whistled, b, departure(whistled[a], first, every) + takes)
print(sum(plain.values()))
print(sum(whistled.values()))
