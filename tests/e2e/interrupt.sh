#!/usr/bin/env bash
# SIGINT and SIGTERM at random moments, wherever a tool is: it ends before its work does, by the signal itself, says so,
# leaves no file of its own and the old output as it was, byte for byte; or it was done already. Nothing here depends on
# how fast the machine is: HANGS is what only a tool that does not end at all takes.
. tests/e2e/lib/common.sh
$bin/nbqc examples/shapes.onnx -o "$tmp/shapes.svpe" --calib=folder:examples/shapes 2>/dev/null
$bin/nbqc examples/shapes.onnx -o "$tmp/plain.nir" --passes= --print-data 2>/dev/null
python3 - "$bin" "$tmp" <<'P'
import os, random, signal, subprocess, sys, time

# Whoever starts this in the background may have had signals ignored, and children inherit that.
for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(which, signal.SIG_DFL)
bin, tmp = sys.argv[1:]
SEED, HANGS = 3, 120
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


def catches(child, which):
    """Whether main() has come to where a signal has a handler."""
    try:
        caught = next(line for line in open(f"/proc/{child.pid}/status") if line.startswith("SigCgt:"))
    except (OSError, StopIteration):
        return False
    return int(caught.split()[1], 16) >> (which - 1) & 1 == 1


def until_caught(child, which):
    end = time.monotonic() + HANGS
    while not catches(child, which) and time.monotonic() < end:
        time.sleep(0.001)


DONE, STOPPED, LATE = range(3) # before the signal; by it; by it, but with all its work done


def once(command, after, which, times=1, stdin=None):
    """One run, and a signal when it has gone on for so many seconds; None: as soon as it has a handler."""
    open(output, "wb").write(b"old bytes \0\n" * 100)
    stamp = os.stat(output).st_ino
    child = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    if after is None:
        until_caught(child, which)
    else:
        time.sleep(after)
    announces = catches(child, which) # before main() nobody has to say anything
    for _ in range(times):
        child.send_signal(which)
    try:
        result, said = child.communicate(timeout=HANGS)
    except subprocess.TimeoutExpired:
        child.kill()
        check("ends after a signal", False, child)
    code, said = child.returncode, said.decode()
    check(f"leaves nothing: {os.listdir(work)}", os.listdir(work) == ["out"], child)
    message = f"{os.path.basename(command[0])}: interrupted\n"
    if code != -which:
        check(f"ends by itself, code {code}, {said}", code == 0 and "interrupted" not in said, child)
        return DONE
    if announces or "interrupted" in said:
        check(f"says it, last and once: {said}", said.endswith(message) and said.count("interrupted") == 1, child)
    now = open(output, "rb").read()
    kept = now == b"old bytes \0\n" * 100 and os.stat(output).st_ino == stamp
    check("the old output is as it was, or the new one is whole", kept or now in whole, child)
    return STOPPED if kept and not result else LATE


def rounds(name, command, count, longest, **more):
    """Until so many runs were stopped. Moments after the end of a run are taken to come less often."""
    found = []
    while found.count(STOPPED) < count:
        check(f"{name}: {found.count(STOPPED)} of {len(found)} runs stopped before their work was done",
              len(found) < 10 * count)
        which = (signal.SIGINT, signal.SIGTERM)[len(found) % 2]
        after = rng.uniform(0, longest)
        found.append(once(command, after, which, 1 + (len(found) % 5 == 4), **more))
        if found[-1] == DONE:
            longest = (longest + after) / 2
    print(f"{name}: stopped {found.count(STOPPED)} times, {found.count(LATE)} with all done, "
          f"{found.count(DONE)} too late")


def seconds_of(command):
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


whole = []
nbqc = [f"{bin}/nbqc", "examples/shapes.onnx", "-o", output]
calibrated = nbqc + [f"--calib=folder:{many}", "--calib-count=100000"]
longest = seconds_of(calibrated)
whole.append(open(output, "rb").read())
rounds("nbqc --calib", calibrated, 18, longest)
subprocess.run(nbqc, stderr=subprocess.DEVNULL, check=True)
whole.append(open(output, "rb").read())
rounds("nbqc, all of a short run", nbqc, 18, seconds_of(nbqc))
evaluation = [f"{bin}/nbq-run", f"{tmp}/shapes.svpe", f"--data=folder:{many}"]
rounds("nbq-run --data", evaluation, 18, seconds_of(evaluation))
against = evaluation + ["--against=examples/shapes.onnx", "--json"]
rounds("nbq-run --against", against, 6, seconds_of(against))
rounds("nbqc, a long schedule", nbqc + [f"--schedule={tmp}/slow.lua"], 4, 0.3)
rounds("nbqc, a huge text", [f"{bin}/nbqc", f"{tmp}/huge.nir", "--passes=", "-o", output], 4, 0.2)
read_end, write_end = os.pipe()
for tool in ("nbqc", "nbq-run", "nbq-as", "nbq-objdump"):
    command = [f"{bin}/{tool}", "-"] + (["-o", output] if tool in ("nbqc", "nbq-as") else [])
    check("waits for its input", once(command, None, signal.SIGINT, stdin=read_end) == STOPPED)

# What a shell sees.
for which, code in (("INT", 130), ("TERM", 143)):
    shell = subprocess.run(["timeout", "--preserve-status", "-s", which, "0.5", f"{bin}/nbqc", "-", "-o", output],
                           stdin=read_end, stderr=subprocess.DEVNULL)
    check(f"exit status {shell.returncode} for SIG{which}", shell.returncode == code)

# Ignored from the start (nohup): it goes on.
child = subprocess.Popen(evaluation, stdout=subprocess.DEVNULL,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
until_caught(child, signal.SIGTERM)
child.send_signal(signal.SIGINT)
check("an ignored signal stays ignored", child.wait(HANGS) == 0, child)
P
# A disk that is full, or a limit on the size of files: a message, and nothing left.
mkdir "$tmp/limit"
code=0
(ulimit -f 4; exec "$bin/nbqc" examples/shapes.onnx -o "$tmp/limit/x.svpe") 2>"$tmp/said" || code=$?
[ $code = 1 ] || fail "with a limit on file sizes: exit status $code, expected 1"
grep -q "cannot write the file: File too large" "$tmp/said" || fail "$(cat "$tmp/said")"
[ -z "$(ls "$tmp/limit")" ] || fail "left behind: $(ls "$tmp/limit")"
