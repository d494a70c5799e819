"""The website: pages over the same gRPC API that everybody calls, in Chinese and English.

It has no second path to the data: it imports the client and the protos, none of the
server's rooms. `app` composes it; `visits` is the one wrapper around every page, where
login, forgery and size are looked at; `fields` renders every message, so that a page shows
what the message holds and nothing else; `login` and `local_issuer` are how one logs in.
"""
