"""The control socket against whatever is sent to it: answered or closed, and the machine goes on."""
import json
import os
import random
import socket
import sys
import unittest

from machines import MachinesTest


class Hostile(MachinesTest):
    def setUp(self):
        super().setUp()
        self.before = self.boot()
        (self.place / "data").mkdir()
        self.expect(self.ntemu("drive", "add", "D:", "data"), 0)

    def tearDown(self):
        after = self.status()
        self.assertEqual(after["pid"], self.before["pid"])
        self.assertEqual([drive["letter"] for drive in after["drives"]], ["C:", "D:"])
        super().tearDown()

    def ask(self, data: bytes) -> dict:
        client = self.connect()
        client.sendall(data)
        return json.loads(client.makefile("rb").readline())

    def test_garbage(self):
        for line in (b"", b"x", b"{", b"[]", b"1", b"null", b'"text"', b"{}", b'{"op":1}', b'{"op":"nonsense"}', b'{"op":"drive.add"}',
                     b'{"op":"drive.add","args":[1]}', b'{"op":"drive.add","args":{"letter":7,"directory":{}}}', b'{"op":"wait","args":{"threads":"x"}}',
                     b'{"op":"status","args":null}'[:-1], b"\xff\xfe\x00", b"[" * 1000, b'{"v":1,"id":{"a":[1]},"op":"\\ud800"}'):
            with self.subTest(line):
                reply = self.ask(line + b"\n")
                self.assertEqual((reply["v"], reply["ok"]), (1, False))
                self.assertGreater(reply["win32"], 0)
                self.assertRegex(reply["ntstatus"], "^0x[0-9A-F]{8}$")
                self.assertTrue(reply["error"])

    def test_random_bytes(self):
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"seed {seed}", file=sys.stderr)
        generator = random.Random(seed)
        for _ in range(50):
            self.assertFalse(self.ask(generator.randbytes(generator.randrange(1, 2000)).replace(b"\n", b"") + b"\n")["ok"])

    def test_several_lines_at_once_are_answered_in_order(self):
        client = self.connect()
        client.sendall(b"".join(b'{"v":1,"id":%d,"op":"status","args":{}}\n' % number for number in range(100)))
        replies = client.makefile("rb")
        self.assertEqual([json.loads(replies.readline())["id"] for _ in range(100)], list(range(100)))

    def test_a_line_without_end(self):
        client = self.connect()
        replies = client.makefile("rb")
        try:
            client.sendall(b"x" * (4 << 20))
        except (BrokenPipeError, ConnectionResetError):
            return  # closed in the middle of it
        try:
            reply = replies.readline()
        except ConnectionResetError:
            return
        self.assertFalse(reply and json.loads(reply)["ok"])
        self.assertEqual(replies.read(), b"")

    def test_half_a_line(self):
        client = self.connect()
        client.sendall(b'{"v":1,"op":"drive.remove","args":{"letter":"D:"}}')
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(100), b"")

    def test_a_client_that_does_not_read(self):
        client = self.connect()
        client.setblocking(False)
        try:
            while True:
                client.send(b'{"v":1,"op":"status"}\n' * 100)
        except BlockingIOError:
            pass  # neither side takes anything now
        self.shut_down()
        self.before = self.boot()

    def test_a_thousand_clients(self):
        clients = []
        for _ in range(1000):
            client = self.connect_from_here()
            clients.append(client)
            try:
                client.sendall(b'{"v":1,"op":"status","args":{}}\n')
            except BrokenPipeError:
                pass  # one too many: refused before it asked
        answered = 0
        for client in clients:
            try:
                reply = json.loads(client.makefile("rb").readline())
            except ConnectionResetError:
                continue
            answered += reply["ok"]
            self.assertTrue(reply["ok"] or "too many clients" in reply["error"], reply)
        self.assertGreaterEqual(answered, 100)
        for client in clients:
            client.close()
        # Threads and descriptors of clients that have gone are given back.
        self.status()
        while len(os.listdir(f"/proc/{self.before['pid']}/task")) > 50 or len(os.listdir(f"/proc/{self.before['pid']}/fd")) > 100:
            self.status()

    def connect_from_here(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(120)
        client.connect(str(self.m / "control.sock"))
        return client

    @unittest.skipIf(os.getuid() != 0, "only root can be somebody else")
    def test_another_user(self):
        for path in [self.place, self.m]:
            path.chmod(0o755)
        path = str(self.m / "control.sock")
        self.assertEqual(self.as_nobody(path), b"PermissionError")
        # Even when the mode let somebody in, the peer's user is asked for.
        os.chmod(path, 0o666)
        self.assertIn(self.as_nobody(path), (b"", b"ConnectionResetError", b"BrokenPipeError"))

    @staticmethod
    def as_nobody(path: str) -> bytes:
        """What another user gets in reply to a shutdown, or the error."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(path)
                    client.sendall(b'{"op":"shutdown"}\n')
                    os.write(writing, client.recv(1000))
            except OSError as error:
                os.write(writing, type(error).__name__.encode())
            finally:
                os._exit(0)  # pylint: disable=protected-access
        os.close(writing)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as answer:
            return answer.read()


if __name__ == "__main__":
    unittest.main()
