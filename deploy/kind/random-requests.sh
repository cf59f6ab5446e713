#!/bin/sh
# Asks the service every 100 to 1000 ms, and prints the status and the time, until Ctrl-C. random-requests.sh [URL]
set -eu
url=${1:-http://127.0.0.1:8091/healthz}
while :; do
	curl -s -o /dev/null -w '%{http_code} %{time_total}\n' "$url" || true
	sleep "$(awk 'BEGIN { srand(); printf "%.1f", 0.1 + rand() * 0.9 }')"
done
