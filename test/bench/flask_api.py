"""A service API as teams write it by hand after tsuru's tutorial: its endpoints, in memory, under gunicorn."""

from flask import Flask, jsonify, request

api = Flask(__name__)
instances = {"bench": {"plan": "small"}}


@api.get("/resources/plans")
def plans():
    return jsonify([{"name": "small", "description": "a small one"}, {"name": "large", "description": "a large one"}])


@api.post("/resources")
def create():
    instances[request.form["name"]] = {"plan": request.form.get("plan", "")}
    return "", 201


@api.get("/resources/<name>")
def describe(name):
    if name not in instances:
        return "", 404
    return jsonify([{"label": "Plan", "value": instances[name]["plan"]}, {"label": "Host", "value": "127.0.0.1"}])


@api.delete("/resources/<name>")
def remove(name):
    return ("", 200) if instances.pop(name, None) else ("", 404)


@api.get("/resources/<name>/status")
def status(name):
    return ("", 204) if name in instances else ("", 404)


@api.post("/resources/<name>/bind-app")
def bind(name):
    return (jsonify({"HOST": "127.0.0.1"}), 201) if name in instances else ("", 404)


@api.delete("/resources/<name>/bind-app")
def unbind(name):
    return ("", 200) if name in instances else ("", 404)
