#!/usr/bin/env bash
# Progress bars as a terminal sees them: drawn after a second, ten times a second at most, gone in the end; nothing
# without a terminal, with TERM=dumb, with --json. Ctrl-C on a terminal takes the place of the bar.
. tests/e2e/lib/common.sh
$bin/nbqc examples/shapes.onnx -o "$tmp/shapes.svpe" --calib=folder:examples/shapes 2>/dev/null
python3 - "$bin" "$tmp" <<'P'
import os, pty, re, select, signal, subprocess, sys, time

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


def check_bar(name, what, total, command):
    code, text, out, seconds = on_terminal(command)
    check(f"{name} ends well", code == 0, text)
    bars = BAR.findall(text)
    check(f"{name} draws a bar in {seconds:.1f} s", len(bars) >= 1, text)
    check(f"{name} draws {len(bars)} bars in {seconds:.1f} s", len(bars) <= 10 * (seconds - 1) + 2, text)
    check(f"{name} counts", all(b[0] == name.encode() and b[1] == what and int(b[4]) == total for b in bars), text)
    check(f"{name} counts up", [int(b[3]) for b in bars] == sorted(int(b[3]) for b in bars), text)
    rest = BAR.sub(b"", text)
    check(f"{name} erases its bar", rest.startswith(b"\r\x1b[K") or b"\n\r\x1b[K" in rest, rest)
    check(f"{name} leaves nothing but messages", b" of " not in rest.replace(b"\r\x1b[K", b""), rest)
    print(f"{name}: {len(bars)} bars in {seconds:.2f} s")
    return out


# As many images as take more than two seconds on this machine and build.
def long_enough(command_of, per):
    count = per
    while True:
        data = images(count)
        start = time.monotonic()
        subprocess.run(command_of(data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        if time.monotonic() - start > 2:
            return count * 48, command_of(data)
        count *= 2


os.environ.pop("NO_COLOR", None)
total, evaluation = long_enough(lambda d: [f"{bin}/nbq-run", f"{tmp}/shapes.svpe", f"--data={d}"], 4)
out = check_bar("nbq-run", b"evaluating", total, evaluation)
check("the result is printed", b"top-1" in out)
for term, command in (("dumb", evaluation), ("xterm", evaluation + ["--json"])):
    code, text, out, seconds = on_terminal(command, term)
    check(f"nothing is drawn with TERM={term}, {command[3:]}", code == 0 and text == b"" and seconds > 1.2, text)
quiet = subprocess.run(evaluation, capture_output=True)
check("nothing is drawn into a pipe", quiet.returncode == 0 and quiet.stderr == b"", quiet.stderr)

code, text, out, seconds = on_terminal(evaluation, interrupt_when=b"evaluating")
check("Ctrl-C ends nbq-run", code == -signal.SIGINT, text)
check("the message takes the bar's place", text.endswith(b"\r\x1b[Knbq-run: interrupted\r\n"), text)

calibration = lambda d: [f"{bin}/nbqc", "examples/shapes.onnx", "-o", f"{tmp}/x.svpe", f"--calib={d}",
                         "--calib-count=1000000"]
total, command = long_enough(calibration, 4)
check_bar("nbqc", b"calibrating", total, command)
P
