#!/usr/bin/env bash
# Progress bars as a terminal sees them: drawn after a second, ten times a second at most, gone in the end; nothing
# without a terminal, with TERM=dumb, with --json. Ctrl-C on a terminal takes the place of the bar. Where a run was too
# short to show something it is done again on twice the images.
. tests/e2e/lib/common.sh
$bin/nbqc examples/shapes.onnx -o "$tmp/shapes.svpe" --calib=folder:examples/shapes 2>/dev/null
python3 - "$bin" "$tmp" <<'P'
import os, pty, re, select, signal, subprocess, sys, time

# Whoever starts this in the background may have had it ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.SIG_DFL)

bin, tmp = sys.argv[1:]
BAR = re.compile(rb"\r([\w-]+): (\w+) (\[[#.]{20}\] )?(\d+) of (\d+), (\d+) %, \S+/s, [^\r]*? (left|so far)\x1b\[K")


def images(count):
    """The bundled pictures, count times over, as the arrays of a class folder."""
    folder = f"{tmp}/data{count}"
    for kind in sorted(os.listdir("examples/shapes")):
        os.makedirs(f"{folder}/{kind}", exist_ok=True)
        for name in sorted(os.listdir(f"examples/shapes/{kind}")):
            for n in range(count):
                name_there = f"{folder}/{kind}/{n}-{name}"
                if not os.path.lexists(name_there):
                    os.symlink(os.path.abspath(f"examples/shapes/{kind}/{name}"), name_there)
    return "folder:" + folder


def on_terminal(command, term="xterm", interrupt_when=None):
    """Runs command with its standard error on a terminal of 100 columns: exit status, output there, seconds."""
    near, far = pty.openpty()
    subprocess.run(["stty", "cols", "100"], stdin=far, check=True)
    start, text = time.monotonic(), b""
    child = subprocess.Popen(command, stderr=far, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                             env={**os.environ, "TERM": term})
    os.close(far)
    while True:
        try:
            piece = os.read(near, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
        if interrupt_when and interrupt_when in text:
            child.send_signal(signal.SIGINT)
            interrupt_when = None
    out = child.stdout.read()
    return child.wait(), text, out, time.monotonic() - start


def check(what, good, text=b""):
    if not good:
        sys.exit(f"failed: {what}: {text[-600:]!r}")


class Job:
    """A command on as many images as are needed to see its bar."""

    def __init__(self, name, command_of):
        self.name, self.command_of, self.copies = name, command_of, 4

    def command(self):
        return self.command_of(images(self.copies))

    def total(self):
        return 48 * self.copies

    def run_until(self, seen, *options, ends=0, **more):
        """on_terminal(), of a run that ends so and with which seen(output, seconds) is true."""
        while True:
            code, text, out, seconds = on_terminal(self.command() + list(options), **more)
            check(f"{self.name} {options} ends well, not with {code}", code in (0, ends), text)
            if code == ends and seen(text, seconds):
                return text, out, seconds
            check(f"{self.name} {options} on {self.total()} images, {seconds:.1f} s", seconds < 60, text)
            self.copies *= 2


def check_bar(job, what):
    name = job.name
    text, out, seconds = job.run_until(lambda text, seconds: len(BAR.findall(text)) >= 3)
    bars = BAR.findall(text)
    # a machine that stalls only leaves more time than bars
    check(f"{name} draws {len(bars)} bars in {seconds:.1f} s", len(bars) <= 10 * (seconds - 1) + 1, text)
    check(f"{name} counts",
          all(b[0] == name.encode() and b[1] == what and int(b[4]) == job.total() for b in bars), text)
    check(f"{name} counts up", [int(b[3]) for b in bars] == sorted(int(b[3]) for b in bars), text)
    rest = BAR.sub(b"", text)
    check(f"{name} erases its bar", rest.startswith(b"\r\x1b[K") or b"\n\r\x1b[K" in rest, rest)
    check(f"{name} leaves nothing but messages", b" of " not in rest.replace(b"\r\x1b[K", b""), rest)
    print(f"{name}: {len(bars)} bars in {seconds:.2f} s")
    return out, seconds


os.environ.pop("NO_COLOR", None)
evaluation = Job("nbq-run", lambda d: [f"{bin}/nbq-run", f"{tmp}/shapes.svpe", f"--data={d}"])
out, enough = check_bar(evaluation, b"evaluating")
check("the result is printed", b"top-1" in out)
for term, *options in (("dumb",), ("xterm", "--json")):
    text, out, seconds = evaluation.run_until(lambda text, seconds: seconds > enough, *options, term=term)
    check(f"nothing is drawn with TERM={term}, {options}, in {seconds:.1f} s", text == b"", text)
quiet = subprocess.run(evaluation.command(), capture_output=True)
check("nothing is drawn into a pipe", quiet.returncode == 0 and quiet.stderr == b"", quiet.stderr)

text, out, seconds = evaluation.run_until(lambda text, seconds: True, ends=-signal.SIGINT, interrupt_when=b"evaluating")
check("the message takes the bar's place", text.endswith(b"\r\x1b[Knbq-run: interrupted\r\n"), text)

check_bar(Job("nbqc", lambda d: [f"{bin}/nbqc", "examples/shapes.onnx", "-o", f"{tmp}/x.svpe", f"--calib={d}",
                                 "--calib-count=1000000"]), b"calibrating")
P
