"""A web server on this machine, for downloads."""

import functools
import http.server
import threading
from contextlib import contextmanager


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing, and too large a size of a file whose name ends with "broken"."""

    def log_message(self, *arguments):
        pass

    def send_header(self, name, value):
        if name == "Content-Length" and self.path.endswith("broken"):
            value = "999999"
        super().send_header(name, value)


@contextmanager
def serving(folder):
    """Serve the files of a folder; gives the address."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
