; Known words, worked out from the bit positions in docs/isa.md: the text is read as it should be.
; RUN: %nbq-as %s -o %t.bin
; RUN: od -An -v -w16 -tx1 %t.bin | FileCheck %s

; head: opcode 0x00, no tokens, layer 0; queue store = 3 in bits 32:33
end
; CHECK: 00 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00

; wait load = bit 8, post vec + store = bits 14, 15; layer 0x1234; queue exec = 1
sync queue=exec wait=load post=vec+store layer=4660
; CHECK-NEXT: 01 c1 34 12 01 00 00 00 00 00 00 00 00 00 00 00

; region par = 1 in bits 32:34; src = 8 at bit 35: bit 38; dst = 1 at bit 67; count = 0xffffff at bit 91
ld.par region=par src=8 dst=1 count=16777215
; CHECK-NEXT: 11 00 00 00 41 00 00 00 08 00 00 f8 ff ff 07 00

; nb, rows, cols, left out, are 1 in bits 176, 186, 196;
; lo = -1 in bits 222:237, hi = 0x7fff in bits 238:253, bcast bit 254
v.mul b=262143 lo=-1 hi=32767 bcast=1
; CHECK-NEXT: b2 00 00 00 00 00 00 00 00 00 ff ff 03 00 00 00
; CHECK-NEXT: 00 00 00 00 00 00 01 04 10 00 00 c0 ff ff ff 5f

; bytes as they are
.word 0102030405060708090a0b0c0d0e0f10
; CHECK-NEXT: 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10
