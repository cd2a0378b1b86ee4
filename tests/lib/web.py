"""web.py - HTTP as the tests need it: TLS checked against the stack's own CA, nothing normalised, nothing retried.

`Web.request()` is for requests that a decent client makes; `Web.raw()` sends bytes as they are, for those it does not.
"""
import http.client
import json
import socket
import ssl
import urllib.parse


class Response:
    """Status, headers (names in any case, repeated ones kept) and body of one answer."""

    def __init__(self, status, headers, body, request=""):
        self.status = status
        self.headers = headers
        self.body = body
        self.request = request

    def get(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def codes(self):
        """The codes of an OCI error body; empty when it is none."""
        try:
            return [error["code"] for error in json.loads(self.body)["errors"]]
        except (ValueError, KeyError, TypeError):
            return []

    def __str__(self):
        headers = "".join(f"\n    {k}: {v}" for k, v in self.headers)
        return f"{self.request} -> {self.status}{headers}\n    {self.body[:600]!r}"


class Web:
    """One server; a connection for each request, as most clients of a registry do."""

    def __init__(self, host, port, ca=None, tls=True):
        self.host, self.port, self.tls = host, port, tls
        self.context = ssl.create_default_context(cafile=ca) if tls else None

    def url(self, path):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{path}"

    def path_of(self, location, base="/"):
        """The path and query of a Location, which may be relative; another server's is a failure."""
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(self.url(base), location))
        if parts.netloc != f"{self.host}:{self.port}":
            raise AssertionError(f"Location leads to another server: {location}")
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _connection(self, timeout):
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, headers=None, body=None, timeout=60):
        """body: bytes, or an iterable of bytes (sent chunked). headers: a dict or a list of pairs."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        names = {name.lower() for name, _ in pairs}
        connection = self._connection(timeout)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True, skip_host="host" in names)
            for name, value in pairs:
                connection.putheader(name, value)
            streamed = body is not None and not isinstance(body, bytes)
            if streamed:
                connection.putheader("Transfer-Encoding", "chunked")
            elif "content-length" not in names and (body is not None or method in ("POST", "PUT", "PATCH")):
                connection.putheader("Content-Length", str(len(body or b"")))
            try:
                connection.endheaders()
                if streamed:
                    for chunk in body:
                        connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    connection.send(b"0\r\n\r\n")
                elif body:
                    connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the body was through: the answer may be there
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read(), f"{method} {path}")
        finally:
            connection.close()

    def socket(self, timeout=30):
        plain = socket.create_connection((self.host, self.port), timeout)
        return self.context.wrap_socket(plain, server_hostname=self.host) if self.tls else plain

    def raw(self, data, timeout=30):
        """Sends the bytes, reads until the server closes. None when it closed without an answer."""
        with self.socket(timeout) as s:
            try:
                s.sendall(data)
                answer = http.client.HTTPResponse(s, method="GET")
                answer.begin()
                return Response(answer.status, answer.getheaders(), answer.read(), repr(data[:200]))
            except (ConnectionResetError, BrokenPipeError, http.client.BadStatusLine, http.client.IncompleteRead,
                    ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return None
