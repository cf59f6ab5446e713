#!/bin/sh
# Takes the cluster away with everything in it.
set -eu
kind delete cluster --name weir
