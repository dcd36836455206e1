"""Reference solution by recursion over (verse, direction). Reads an input, prints both answers."""
import functools
import re
import sys

sys.setrecursionlimit(10000)
verses = {}
for line in sys.stdin.read().splitlines():
    name, body = line.split(": ")
    verses[name] = body.split()
places = [int(word) for word in verses.pop("hush")]


def parse(piece):
    body, backwards, times = re.fullmatch(r'("?[a-z]+"?)(~?)(?:\*(\d+))?', piece).groups()
    return body, backwards == "~", int(times or 1)


@functools.cache
def size(body):
    if body.startswith('"'):
        return len(body.strip('"'))
    return sum(size(inner) * times for inner, _, times in map(parse, verses[body]))


def at(body, backwards, place):
    if body.startswith('"'):
        text = body.strip('"')
        return (text[::-1] if backwards else text)[place]
    pieces = [parse(piece) for piece in verses[body]]
    for inner, turned, times in reversed(pieces) if backwards else pieces:
        whole = size(inner) * times
        if place < whole:
            return at(inner, turned != backwards, place % size(inner))
        place -= whole
    raise IndexError(place)


print(size("carol"))
print("".join(at("carol", False, place - 1) for place in places))
