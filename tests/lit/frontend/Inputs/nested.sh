# nested.sh N: a model of N graphs, each inside an attribute of a node of the one around it.
awk -v levels="$1" '
function varint(n, s) { s = ""; while (n > 127) { s = s sprintf("\\%03o", n % 128 + 128); n = int(n / 128) } return s sprintf("\\%03o", n) }
function length_of(n, k) { k = 1; while (n > 127) { n = int(n / 128); k++ } return k }
BEGIN {
  size = 0
  for (i = 1; i <= levels; i++) { # sizes from the inside out
    graph[i] = size
    attribute[i] = 1 + length_of(size) + size
    node[i] = 1 + length_of(attribute[i]) + attribute[i]
    size = 1 + length_of(node[i]) + node[i]
  }
  printf "\\010\\010\\072%s", varint(size)
  for (i = levels; i >= 1; i--) printf "\\012%s\\052%s\\062%s", varint(node[i]), varint(attribute[i]), varint(graph[i])
}' | { IFS= read -r text; printf "$text"; }
