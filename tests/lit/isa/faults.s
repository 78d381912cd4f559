; Every fault of a file is said with its line, and no file is written.
; RUN: rm -f %t.bin
; RUN: not %nbq-as %s -o %t.bin 2>&1 | FileCheck %s
; RUN: not test -e %t.bin
; RUN: not %nbq-as %s 2>&1 | FileCheck %s --check-prefix=USAGE
; RUN: not %nbq-as %t.missing -o %t.bin 2>&1 | FileCheck %s --check-prefix=MISSING

; CHECK: nbq-as: error: {{.*}}faults.s:[[#@LINE+1]]: unknown instruction 'cnov'; did you mean 'conv'?
cnov rows=1
; CHECK: error: {{.*}}faults.s:[[#@LINE+1]]: conv has no field 'tshif'; did you mean 'tshift'?
conv tshif=1
; CHECK: error: {{.*}}faults.s:[[#@LINE+1]]: rows: expected 1…1023, found 1024
conv rows=1024
; CHECK: error: {{.*}}faults.s:[[#@LINE+2]]: cols: expected 1…1023, found -1
; CHECK: error: {{.*}}faults.s:[[#@LINE+1]]: form: expected one of dense, depthwise, stem, fc, found 'round'
conv cols=-1 form=round
; CHECK: error: {{.*}}faults.s:[[#@LINE+1]]: v.mul has no field 'p'
v.mul p=1
; CHECK: error: {{.*}}faults.s:[[#@LINE+1]]: wait: names the instruction's own queue, exec
conv wait=exec
; CHECK: error: {{.*}}faults.s:[[#@LINE+1]]: expected .word and an even number of lower-case hexadecimal digits
.word 123
; CHECK-NOT: error

; USAGE: nbq-as: error: expected -o FILE
; MISSING: nbq-as: error: {{.*}}missing: cannot open the file: No such file or directory
