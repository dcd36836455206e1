data = bytes.fromhex(input())
if len(data) >= 6 and data[:2] == b"BM":
    print("bitmap", int.from_bytes(data[2:6], "little"))
else:
    print("something else")
