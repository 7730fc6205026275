"""One judge behind HTTP: rows in, results out, for programs on this machine or, with a token, elsewhere.

limits.py       how much of anything is taken
line.py         rows that wait for the judge: whose turn it is
work.py         the one judge, in a thread of its own, and what becomes of each row
exchange.py     one request and its response: bodies within limits, a client that leaves
refusals.py     what is answered instead of a result
gate.py         who may ask: token, Origin, Host
score.py        POST /v1/score
pooling.py      POST /pooling, as vLLM has it
told.py         GET /v1/models, /health, /metrics
metrics.py      counts, as Prometheus reads them
app.py          which path is answered by whom
connections.py  what is no request yet: slow, half-open and malformed connections
server.py       the address, the start and the end
"""
