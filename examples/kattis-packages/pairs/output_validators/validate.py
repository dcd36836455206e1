import sys

ACCEPTED, WRONG = 42, 43


def wrong(why):
    with open(sys.argv[3] + "/teammessage.txt", "w") as message:
        message.write(why)
    sys.exit(WRONG)


with open(sys.argv[1]) as file:
    total = int(file.readline())
    numbers = list(map(int, file.readline().split()))
words = sys.stdin.read().split()
if len(words) != 2 or not all(word.isascii() and word.isdigit() and len(word) < 9 for word in words):
    wrong("Say two places.")
a, b = map(int, words)
if not (1 <= a <= len(numbers) and 1 <= b <= len(numbers)):
    wrong("There is no such place.")
if "distinct" in sys.argv[4:] and a == b:
    wrong("The places must be different.")
sys.exit(ACCEPTED if numbers[a - 1] + numbers[b - 1] == total else WRONG)
