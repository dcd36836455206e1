"""A text given as a grammar with repeats and reversals, far too long to be written out."""
import json
import random

VERSES = 140
CONSONANTS, VOWELS = "bdfghjklmnprstvwz", "aeiou"


def syllable():
    return random.choice(CONSONANTS) + random.choice(VOWELS) + random.choice(["", "", "n", "l", "s", "m"])


def new_name(taken):
    while True:
        name = "".join(syllable() for _ in range(random.randint(2, 3)))
        if name not in taken:
            return name


verses = {}  # name -> list of (piece, reversed, times), in an order in which everything named exists already
length = {}


def piece_length(piece):
    body, _, times = piece
    return times * (length[body] if body in length else len(body) - 2)


def written(piece):
    body, backwards, times = piece
    return body + ("~" if backwards else "") + (f"*{times}" if times > 1 else "")


for number in range(VERSES):
    last = number == VERSES - 1
    name = "carol" if last else new_name(length.keys() | {"carol", "hush"})
    # The longest verse allowed grows steadily, so that every carol has 14 to 16 digits, whatever is drawn.
    most = 10 ** (1.3 + 14.5 * number / VERSES)
    pieces = [(f'"{syllable()}"', False, random.choice([1, 1, 2, 3]))]
    names = list(length)
    for _ in range(random.randint(2, 5)):
        if not names or random.random() < 0.2:
            pieces.append((f'"{syllable()}"', False, random.choice([1, 1, 1, 2, 4])))
            continue
        old = random.choice(names[-12:] if random.random() < 0.8 else names)
        piece = (old, random.random() < 0.4, random.choice([1, 1, 2, 2, 3, 5]))
        if sum(map(piece_length, pieces)) + piece_length(piece) <= most:
            pieces.append(piece)
    if last:
        pieces += [(old, random.random() < 0.5, random.randint(1, 3)) for old in random.sample(names[-6:], 3)]
    random.shuffle(pieces)
    verses[name], length[name] = pieces, sum(map(piece_length, pieces))


def letter(name, place):
    """The letter at a place (from 0) of a verse."""
    while True:
        for piece in verses[name]:
            body, backwards, _ = piece
            if place >= piece_length(piece):
                place -= piece_length(piece)
                continue
            if body not in length:
                return body[1:-1][place % (len(body) - 2)]
            place %= length[body]
            if backwards:
                place = length[body] - 1 - place
            name = body
            break


places = [random.randrange(length["carol"]) for _ in range(16)]
lines = [f"{name}: " + " ".join(map(written, pieces)) for name, pieces in verses.items()]
random.shuffle(lines)
lines.append("hush: " + " ".join(str(place + 1) for place in places))
password = "".join(letter("carol", place) for place in places)
print(json.dumps({"input": "\n".join(lines) + "\n", "result": [length["carol"], password]}))
