"""A real Apache Kafka for the tests: one KRaft node on loopback, its jars from Maven Central, cached elsewhere."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from fte_project.embedded import free_port

VERSION = "4.1.0"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>fte</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://{address}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
message.max.bytes=4000000
"""
JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


class Unavailable(RuntimeError):
    """This machine has no Java or no Maven, or its Maven repository cannot be reached."""


def jars() -> Path:
    """The folder with Kafka's jars, fetched on first use. Raises Unavailable."""
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing:
        raise Unavailable(f"{' and '.join(missing)} not installed")
    release = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    major = re.search(r'version "(\d+)', release)
    if major is None or int(major.group(1)) < 17:
        raise Unavailable("Java 17 or newer is needed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fte-kafka" / VERSION
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
        (Path(folder) / "pom.xml").write_text(POM)
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if "Could not transfer artifact" in done.stdout or "resolution will not be reattempted" in done.stdout:
            raise Unavailable("its Maven repository cannot be reached")
        if done.returncode:
            raise RuntimeError(f"Maven did not fetch Kafka's jars: {done.stdout.strip()[:1000]}")
        with contextlib.suppress(OSError):  # another process was first
            (Path(folder) / "libs").rename(cache)
    return cache


class ApacheKafka:
    """The same doors as the embedded broker: `start`, `stop`, `address`, `process`; and it forgets on `stop`."""

    def __init__(self, state: Path, port: int) -> None:
        self.state = state
        self.log = state / "kafka.log"
        self.address = f"127.0.0.1:{port}"
        self._controller = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Format an empty log and start the node; comes back when it accepts connections."""
        data, properties = self.state / "kafka", self.state / "kafka.properties"
        shutil.rmtree(data, ignore_errors=True)
        properties.write_text(
            PROPERTIES.format(address=self.address, controller=self._controller, data=data), encoding="utf-8"
        )
        java = [*JAVA, "-cp", f"{jars()}/*"]
        # One that begins with a dash, as every 64th would, is taken for an option.
        cluster = urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        with self.log.open("ab") as log:
            subprocess.run(
                [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
                stdout=log, stderr=log, check=True,
            )  # fmt: skip
            self.process = subprocess.Popen(
                [*java, "kafka.Kafka", str(properties)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        host, port = self.address.split(":")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"Apache Kafka did not start: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Kill the node; its next start forgets everything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def main() -> int:
    """Fetch the jars; run the tests against them, or say in one line why not. The exit status."""
    try:
        jars()
    except Unavailable as error:
        print(f"make test-kafka is skipped on this machine: {error}.")
        return 0
    env = {**os.environ, "FTE_TEST_KAFKA": "apache"}
    return subprocess.run([sys.executable, "-m", "pytest", "-m", "kafka", "-q"], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
