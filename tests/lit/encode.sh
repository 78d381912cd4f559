# encode.sh MODEL.textproto MODEL.onnx: protobuf text to the binary form, by protoc and the system's onnx.proto.
# Bytes that are no valid model are kept as they are: the tests of bad input are made of them.
set -eu
include=/usr/include
[ -e "$include/onnx/onnx.proto" ] || { echo "encode.sh: no $include/onnx/onnx.proto (libonnx-dev)" >&2; exit 1; }
exec protoc --proto_path="$include" --encode=onnx.ModelProto "$include/onnx/onnx.proto" <"$1" >"$2"
