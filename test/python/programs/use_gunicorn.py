"""Serves by gunicorn with two forked workers. Stops it after a request to each address."""
import os
import signal
import socket
import sys
import threading
import urllib.request

from gunicorn.app.base import BaseApplication


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"served {environ['PATH_INFO']}".encode()]


class Server(BaseApplication):
    def load_config(self):
        settings = {
            "bind": f"127.0.0.1:{PORT}", "workers": 2, "worker_tmp_dir": sys.argv[1], "when_ready": ask, "accesslog": None,
            "loglevel": "critical", "control_socket": None,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self):
        return application


def ask(server):
    def request():
        for path in ["/a", "/b"]:
            print(urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=60).read().decode(), flush=True)
        os.kill(server.pid, signal.SIGTERM)

    threading.Thread(target=request, daemon=True).start()


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
Server().run()
