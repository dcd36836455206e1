total = int(input())
numbers = list(map(int, input().split()))
pairs = [(i, j) for i in range(len(numbers)) for j in range(i) if numbers[i] + numbers[j] == total]
print(pairs[-1][0] + 1, pairs[-1][1] + 1)
