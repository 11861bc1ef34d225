#!/usr/bin/env bash
# Makes the runner image of a release and prints what gorunctl says of it. Every
# job that makes it calls this with the same variables, so that all get the same
# digest: VERSION (1.2.3), IMAGE_REPOSITORY. Arguments go to gorunctl.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! [[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  echo "the version is '$VERSION': write it as 1.2.3" >&2
  exit 1
fi
: "${IMAGE_REPOSITORY:?set the variable IMAGE_REPOSITORY of the GitHub repository}"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
go run ./cmd/gorunctl image runner --platform=linux/amd64,linux/arm64 \
  --version="$VERSION" --revision="$GITHUB_SHA" --source="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" \
  --tag="$IMAGE_REPOSITORY:$VERSION" "$@"
