def main():
    _, most = map(int, input().split())
    crossings, heaviest, now = 0, 0, None
    for weight in map(int, input().split()):
        if now is None or now + weight > most:
            crossings, now = crossings + 1, 0
        now += weight
        heaviest = max(heaviest, now)
    print(crossings, heaviest)


if __name__ == "__main__":
    main()
