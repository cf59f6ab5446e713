#!/bin/sh
# Builds the image, makes the cluster and starts Weir in it. Needs kind, kubectl, docker, and ports 8090 and 8091.
set -eu
cd "$(dirname "$0")/../.."
if kind get clusters | grep -qx weir; then
	echo "kind-up: there is a cluster weir; make kind-down first" >&2
	exit 1
fi
docker build -f deploy/kind/Dockerfile -t weir:kind .
kind create cluster --config deploy/kind/cluster.yaml
kind load docker-image weir:kind --name weir
kubectl --context kind-weir apply -f deploy/kind/weir.yaml
kubectl --context kind-weir rollout status deployment/weir-central daemonset/weir-agent --timeout=180s
kubectl --context kind-weir rollout status deployment/service-health --timeout=180s
echo "page: http://127.0.0.1:8090  service: http://127.0.0.1:8091/healthz"
