total = int(input())
seen = {}
for place, number in enumerate(map(int, input().split()), 1):
    if total - number in seen:
        print(seen[total - number], place)
        break
    seen[number] = place
