# Writes the built-in target descriptions as one C table: name and text of every .target file in DIR, sorted by name.
file(GLOB files ${DIR}/*.target)
list(SORT files)
set(rows "")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  string(APPEND rows "    {\"${name}\",\n    \"${text}\"},\n")
endforeach()
file(WRITE ${OUT}.new "/* Generated from isa/targets/ at build time. */
#include \"isa/builtin.h\"
const struct svpe_builtin_target svpe_builtin_targets[] = {\n${rows}    {0, 0}};\n")
configure_file(${OUT}.new ${OUT} COPYONLY)
