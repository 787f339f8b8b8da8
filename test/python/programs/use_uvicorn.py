"""Serves an ASGI application by uvicorn, and asks it from a thread."""
import threading
import urllib.request

import uvicorn


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"served " + scope["path"].encode()})


server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical", lifespan="off"))


def ask():
    while not server.started:
        pass
    port = server.servers[0].sockets[0].getsockname()[1]
    print(urllib.request.urlopen(f"http://127.0.0.1:{port}/x", timeout=60).read().decode())
    server.should_exit = True


threading.Thread(target=ask, daemon=True).start()
server.run()
