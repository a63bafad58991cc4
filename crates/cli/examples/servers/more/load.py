"""load.py KIND PORT: four clients of a server that has none of its own, for two seconds.

Says how many requests were answered, as wrk does; a wrong or missing answer is an error of the client. (No per cent sign may stand here: it would become the port.)"""
import socket
import struct
import sys
import threading
import time

KIND, PORT = sys.argv[1], int(sys.argv[2])
PATIENCE = 60


def stream():
    sock = socket.create_connection(("127.0.0.1", PORT), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def exactly(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError("closed")
        data += more
    return data


def until(sock, end):
    data = b""
    while not data.endswith(end):
        more = sock.recv(4096)
        if not more:
            raise EOFError("closed")
        data += more
    return data


def expect(found, wanted):
    if wanted not in found:
        raise ValueError("{!r} lacks {!r}".format(found, wanted))


def memcached(me):
    sock, name = stream(), str(me).encode()
    while True:
        sock.sendall(b"set k" + name + b" 0 0 5\r\nhello\r\n")
        expect(until(sock, b"\r\n"), b"STORED")
        sock.sendall(b"get k" + name + b"\r\n")
        expect(until(sock, b"END\r\n"), b"hello")
        yield 2


def beanstalkd(me):
    sock = stream()
    tube = b"t" + str(me).encode() + b"\r\n"
    for line in (b"use " + tube, b"watch " + tube, b"ignore default\r\n"):
        sock.sendall(line)
        until(sock, b"\r\n")
    while True:
        sock.sendall(b"put 1 0 60 5\r\nhello\r\n")
        expect(until(sock, b"\r\n"), b"INSERTED")
        sock.sendall(b"reserve\r\n")
        answer = until(sock, b"hello\r\n")
        expect(answer, b"RESERVED")
        sock.sendall(b"delete " + answer.split()[1] + b"\r\n")
        expect(until(sock, b"\r\n"), b"DELETED")
        yield 3


def dns(me):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", PORT))
    number = 0
    while True:
        number = (number + 1) & 0xFFFF
        head = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0)
        sock.send(head + b"\1x\4test\0" + struct.pack(">2H", 1, 1))
        answer = sock.recv(512)
        expect(answer[:2], head[:2])
        expect(answer, bytes([10, 0, 0, 1]))
        yield 1


def ldap(me):
    """Searches for the entry of the server itself."""
    sock = stream()
    search = bytes.fromhex("0400" "0a0100" "0a0100" "020100" "020100" "010100") + b"\x87\x0bobjectclass" + b"\x30\x00"
    while True:
        request = b"\x02\x01\x01" + b"\x63" + bytes([len(search)]) + search
        sock.sendall(b"\x30" + bytes([len(request)]) + request)
        answer = b""
        # LDAPResult, its operation and code 0.
        while b"\x65\x07\x0a\x01\x00" not in answer:
            more = sock.recv(4096)
            if not more:
                raise EOFError("closed")
            answer += more
        yield 1


def mqtt(me):
    sock = stream()
    name = b"c" + str(me).encode()
    body = b"\0\4MQTT\4\2\0\x3c" + struct.pack(">H", len(name)) + name
    sock.sendall(b"\x10" + bytes([len(body)]) + body)
    expect(exactly(sock, 4), b"\x20\x02\0\0")
    number = 0
    while True:
        number = number + 1 if number < 0xFFFF else 1
        body = b"\0\1t" + struct.pack(">H", number) + b"hello"
        sock.sendall(b"\x32" + bytes([len(body)]) + body)
        expect(exactly(sock, 4), b"\x40\x02" + struct.pack(">H", number))
        yield 1


def fastcgi(me):
    def record(kind, data):
        return struct.pack(">BBHHBB", 1, kind, 1, len(data), 0, 0) + data

    params = {"SCRIPT_FILENAME": sys.argv[3] + "/index.php", "REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1"}
    pairs = b"".join(bytes([len(k), len(v)]) + k.encode() + v.encode() for k, v in params.items())
    while True:
        sock = stream()
        sock.sendall(record(1, struct.pack(">HB5x", 1, 0)) + record(4, pairs) + record(4, b"") + record(5, b""))
        answer = b""
        while True:
            more = sock.recv(4096)
            if not more:
                break
            answer += more
        expect(answer, b"hello")
        sock.close()
        yield 1


def main():
    end, counts = time.monotonic() + 2, [0] * 4

    def client(me):
        try:
            for count in globals()[KIND](me):
                counts[me] += count
                if time.monotonic() > end:
                    return
        except Exception as error:
            print("Socket errors: {}: {!r}".format(KIND, error), flush=True)

    threads = [threading.Thread(target=client, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("{} requests in 2.00s".format(sum(counts)))


main()
