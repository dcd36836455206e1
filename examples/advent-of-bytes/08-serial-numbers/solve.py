"""Reference solution by recursion over digits with a memory. Reads an input, prints the answer."""
import functools
import re
import sys

rule, *blocks = sys.stdin.read().splitlines()
apart, divisor = map(int, re.findall(r"\d+", rule))


@functools.cache
def free(missing, last, total):
    """Ways to add the missing digits; last is None while the number has not begun."""
    if missing == 0:
        return int(last is not None and total == 0)
    ways = 0
    for digit in range(10):
        if last is None:
            ways += free(missing - 1, None if digit == 0 else digit, digit % divisor)
        elif abs(last - digit) <= apart:
            ways += free(missing - 1, digit, (total + digit) % divisor)
    return ways


def up_to(bound):
    if bound == 0:
        return 0
    ways, last, total = 0, None, 0
    text = str(bound)
    for place, limit in enumerate(map(int, text)):
        for digit in range(limit):
            if last is None:
                ways += free(len(text) - place - 1, None if digit == 0 else digit, digit % divisor)
            elif abs(last - digit) <= apart:
                ways += free(len(text) - place - 1, digit, (total + digit) % divisor)
        if last is not None and abs(last - limit) > apart:
            return ways
        last, total = limit, (total + limit) % divisor
    return ways + (total == 0)


print(sum(up_to(int(b)) - up_to(int(a) - 1) for a, b in (block.split("-") for block in blocks)))
