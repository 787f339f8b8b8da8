"""Serves a few pages with Flask, on a port that it prints."""

from flask import Flask, jsonify, render_template, request
from werkzeug.serving import make_server

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify(answer=42)


@app.post("/echo")
def echo():
    return jsonify(request.get_json())


@app.get("/page/<name>")
def page(name):
    return render_template("page.html", name=name)


@app.get("/late")
def late():
    import late

    return late.text()


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
