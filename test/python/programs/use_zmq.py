"""Asks a server in another thread, by request and reply, and polls."""
import threading
import zmq

context = zmq.Context()
server = context.socket(zmq.REP)
port = server.bind_to_random_port("tcp://127.0.0.1")


def serve():
    server.send(b"reply to " + server.recv())


thread = threading.Thread(target=serve)
thread.start()
client = context.socket(zmq.REQ)
client.connect(f"tcp://127.0.0.1:{port}")
client.send(b"request")
print(client.poll(20_000) != 0, client.recv())
thread.join()
context.destroy(linger=0)
