#!/bin/sh
# Run the commands of the README as it tells them: every line of its `sh` blocks marked "checked".
set -eu
cd "$(dirname "$0")/.."
awk '/^```sh checked$/ {on = 1; next} /^```$/ {on = 0} on' README.md | while IFS= read -r command; do
    echo "\$ $command"
    sh -euc "$command" </dev/null
done
