def measure(text):
    return len(text), len(text.encode("utf-8"))
