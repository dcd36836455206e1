import json
import socket

with socket.create_connection(("127.0.0.1", 9), timeout=1) as connection:
    connection.sendall(b"hello")
print(json.dumps({"input": "1", "result": 1}))
