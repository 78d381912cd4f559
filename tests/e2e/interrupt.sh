#!/usr/bin/env bash
# SIGINT and SIGTERM at random moments, wherever a tool is: it ends within a second, by the signal itself, says so, leaves
# no file of its own and the old output as it was, byte for byte; or it was done already.
. tests/e2e/lib/common.sh
$bin/nbqc examples/shapes.onnx -o "$tmp/shapes.svpe" --calib=folder:examples/shapes 2>/dev/null
$bin/nbqc examples/shapes.onnx -o "$tmp/plain.nir" --passes= --print-data 2>/dev/null
python3 - "$bin" "$tmp" <<'P'
import os, random, signal, subprocess, sys, time

bin, tmp = sys.argv[1:]
SEED, LATEST = 3, 1.0
rng = random.Random(SEED)
work = f"{tmp}/work"
os.mkdir(work)
output = f"{work}/out"
many = f"{tmp}/many"
for kind in sorted(os.listdir("examples/shapes")):
    os.makedirs(f"{many}/{kind}")
    for name in sorted(os.listdir(f"examples/shapes/{kind}")):
        for n in range(25):
            os.symlink(os.path.abspath(f"examples/shapes/{kind}/{name}"), f"{many}/{kind}/{n}-{name}")

# A schedule that takes most of the time it is given, and a constant of some million numbers in text.
open(f"{tmp}/slow.lua", "w").write("function schedule() for i = 1, 8000000 do end end\n")
with open(f"{tmp}/huge.nir", "w") as f:
    numbers = ", ".join(str(rng.randrange(-128, 128)) for _ in range(1000))
    f.write('graph "huge" {\n  input %x: i8[1x1000]\n  const %w: i8[3000x1000] = [' +
            ", ".join([numbers] * 3000) + "]\n  return %x\n}\n")


def check(what, good, child=None):
    if not good:
        sys.exit(f"failed: {what}: {child.args if child else ''} seed {SEED}")


def once(command, after, which, times=1, stdin=None):
    """Whether it was stopped; a process that was done before the signal came counts as not."""
    open(output, "wb").write(b"old bytes \0\n" * 100)
    stamp = os.stat(output).st_ino
    child = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
    time.sleep(after)
    start = time.monotonic()
    for _ in range(times):
        child.send_signal(which)
    try:
        code = child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        check("ends after a signal", False, child)
    seconds, said = time.monotonic() - start, child.stderr.read().decode()
    check(f"leaves nothing: {os.listdir(work)}", os.listdir(work) == ["out"], child)
    tool = os.path.basename(command[0])
    if code != -which:
        check(f"ends by itself, code {code}, {said}", code == 0 and "interrupted" not in said, child)
        return False
    check(f"ends in {seconds:.2f} s", seconds < LATEST, child)
    if times == 1 and "interrupted" in said: # a signal before main() has no message
        check(f"says it last: {said}", said.endswith(f"{tool}: interrupted\n"), child)
    now = open(output, "rb").read()
    check("the old output is as it was, or the new one is whole",
          now == b"old bytes \0\n" * 100 and os.stat(output).st_ino == stamp or now in whole, child)
    return True


def rounds(name, command, count, longest, **more):
    stopped = 0
    for n in range(count):
        which = (signal.SIGINT, signal.SIGTERM)[n % 2]
        stopped += once(command, rng.uniform(0, longest), which, 1 + (n % 5 == 4), **more)
    check(f"{name} is stopped in {stopped} of {count} rounds", stopped >= count // 4)
    print(f"{name}: stopped {stopped} of {count} times")


def seconds_of(command):
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


whole = []
nbqc = [f"{bin}/nbqc", "examples/shapes.onnx", "-o", output]
calibrated = nbqc + [f"--calib=folder:{many}", "--calib-count=100000"]
longest = seconds_of(calibrated)
whole.append(open(output, "rb").read())
rounds("nbqc --calib", calibrated, 24, longest)
subprocess.run(nbqc, stderr=subprocess.DEVNULL, check=True)
whole.append(open(output, "rb").read())
rounds("nbqc, all of a short run", nbqc, 24, seconds_of(nbqc))
evaluation = [f"{bin}/nbq-run", f"{tmp}/shapes.svpe", f"--data=folder:{many}"]
rounds("nbq-run --data", evaluation, 24, seconds_of(evaluation))
against = evaluation + ["--against=examples/shapes.onnx", "--json"]
rounds("nbq-run --against", against, 8, seconds_of(against))
rounds("nbqc, a long schedule", nbqc + [f"--schedule={tmp}/slow.lua"], 4, 0.3)
rounds("nbqc, a huge text", [f"{bin}/nbqc", f"{tmp}/huge.nir", "--passes=", "-o", output], 4, 0.2)
read_end, write_end = os.pipe()
for tool in ("nbqc", "nbq-run", "nbq-as", "nbq-objdump"):
    command = [f"{bin}/{tool}", "-"] + (["-o", output] if tool in ("nbqc", "nbq-as") else [])
    check("waits for its input", once(command, 0.5, signal.SIGINT, stdin=read_end))

# What a shell sees.
for which, code in (("INT", 130), ("TERM", 143)):
    shell = subprocess.run(["timeout", "--preserve-status", "-s", which, "0.5", f"{bin}/nbqc", "-", "-o", output],
                           stdin=read_end, stderr=subprocess.DEVNULL)
    check(f"exit status {shell.returncode} for SIG{which}", shell.returncode == code)

# Ignored from the start (nohup): it goes on.
child = subprocess.Popen(evaluation, stdout=subprocess.DEVNULL,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
time.sleep(0.3)
child.send_signal(signal.SIGINT)
check("an ignored signal stays ignored", child.wait(60) == 0, child)
P
# A disk that is full, or a limit on the size of files: a message, and nothing left.
mkdir "$tmp/limit"
code=0
(ulimit -f 4; exec "$bin/nbqc" examples/shapes.onnx -o "$tmp/limit/x.svpe") 2>"$tmp/said" || code=$?
[ $code = 1 ] || fail "with a limit on file sizes: exit status $code, expected 1"
grep -q "cannot write the file: File too large" "$tmp/said" || fail "$(cat "$tmp/said")"
[ -z "$(ls "$tmp/limit")" ] || fail "left behind: $(ls "$tmp/limit")"
