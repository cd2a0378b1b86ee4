"""fastcgi.py - the FastCGI protocol by hand, straight at a pool's socket: what nginx would never send."""
import socket
import struct

from lib.web import Response

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7


def record(kind, content=b"", request=1, version=1, padding=0):
    return struct.pack(">BBHHBB", version, kind, request, len(content), padding, 0) + content + b"\0" * padding


def begin(role=1, flags=0):
    return record(BEGIN, struct.pack(">HB5x", role, flags))


def pair(name, value):
    def size(n):
        return struct.pack(">B", n) if n < 128 else struct.pack(">I", n | 0x80000000)
    name, value = (x if isinstance(x, bytes) else str(x).encode() for x in (name, value))
    return size(len(name)) + size(len(value)) + name + value


def params(values):
    return b"".join(pair(name, value) for name, value in (values.items() if isinstance(values, dict) else values))


def usual(method="GET", uri="/v2/", **more):
    """The parameters that the nginx template sends."""
    return {"REQUEST_METHOD": method, "REQUEST_URI": uri, "CONTENT_TYPE": "", "CONTENT_LENGTH": "",
            "REMOTE_ADDR": "127.0.0.1", "HTTPS": "on", "REQUEST_ID": "00000000000000000000000000000001",
            "HTTP_HOST": "localhost", **more, "GANTRY_PARAMS_END": "1"}


def message(values, body=b""):
    """A whole request. values: a dict, or the bytes of the PARAMS stream."""
    stream = values if isinstance(values, bytes) else params(values)
    out = begin()
    for at in range(0, len(stream), 65535):
        out += record(PARAMS, stream[at:at + 65535])
    out += record(PARAMS)
    for at in range(0, len(body), 65535):
        out += record(STDIN, body[at:at + 65535])
    return out + record(STDIN)


def send(path, data, finish=True, timeout=30):
    """Sends bytes to the socket; what came back, or b"". finish: half-close when all is sent."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        got = b""
        try:
            s.sendall(data)
            if finish:
                s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(65536):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        return got


def answer(data):
    """The CGI answer in the records, as a Response; None when there is none."""
    out, at = b"", 0
    while at + 8 <= len(data):
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", data[at:at + 8])
        if kind == STDOUT:
            out += data[at + 8:at + 8 + length]
        at += 8 + length + padding
    if b"\r\n\r\n" not in out:
        return None
    head, body = out.split(b"\r\n\r\n", 1)
    headers = [tuple(part.strip() for part in line.decode("latin-1").split(":", 1)) for line in head.split(b"\r\n")
               if b":" in line]
    status = next((int(value.split()[0]) for name, value in headers if name.lower() == "status"), 200)
    return Response(status, headers, body, "fastcgi")


def ask(path, values, body=b""):
    return answer(send(path, message(values, body)))
