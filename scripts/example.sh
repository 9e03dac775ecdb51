#!/usr/bin/env bash
# Builds the example application in Examples/Chat, a package of its own that uses the libraries as others do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../Examples/Chat"
exec swift build "$@"
