#!/bin/sh
# Generates connector.pb.go and connector_grpc.pb.go from connector.proto with
# pinned tools: protoc 31.1 (from grpcio-tools), protoc-gen-go and
# protoc-gen-go-grpc. Needs python3 and go. Run it as: go generate ./plugins/wire
set -eu
GRPCIO_TOOLS=1.76.0
SETUPTOOLS=80.9.0
PROTOC_GEN_GO=v1.36.12
PROTOC_GEN_GO_GRPC=v1.6.0

cd "$(dirname "$0")"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check \
    "grpcio-tools==$GRPCIO_TOOLS" "setuptools==$SETUPTOOLS"
GOBIN="$tools" go install "google.golang.org/protobuf/cmd/protoc-gen-go@$PROTOC_GEN_GO"
GOBIN="$tools" go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$PROTOC_GEN_GO_GRPC"
PATH="$tools:$PATH" "$tools/venv/bin/python" -m grpc_tools.protoc \
    --proto_path=. \
    --go_out=. --go_opt=paths=source_relative \
    --go-grpc_out=. --go-grpc_opt=paths=source_relative \
    connector.proto
