"""database.py - a private MariaDB in a directory, reachable by its socket only. For tests that need a server and no stack."""
import os
import subprocess
import time


class Database:
    def __init__(self, directory):
        self.dir = directory
        self.data = os.path.join(directory, "data")
        self.socket = os.path.join(directory, "s")  # short: a socket's path has room for 107 bytes
        self.log = os.path.join(directory, "mariadb.log")
        self.process = None

    def start(self):
        words = ["--no-defaults", f"--datadir={self.data}"]
        if os.geteuid() == 0:
            words.append("--user=root")
        if not os.path.isdir(self.data):
            os.makedirs(self.data)
            self._install(words)
        words = ["mariadbd", *words, f"--socket={self.socket}", "--skip-networking", f"--pid-file={self.dir}/pid",
                 # nothing here has to outlive the machine
                 "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(600):
            if self.process.poll() is not None:
                raise AssertionError(f"mariadbd ended:\n{self.tail()}")
            if subprocess.run(["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "ping"], capture_output=True,
                              check=False).returncode == 0:
                return self
            time.sleep(0.1)
        raise AssertionError(f"mariadbd did not answer within a minute:\n{self.tail()}")

    def _install(self, words):
        done = subprocess.run(["mariadb-install-db", *words, "--auth-root-authentication-method=normal", "--skip-test-db",
                               "--skip-name-resolve"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def tail(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()[-3000:]
        except OSError:
            return ""
