# The full flavour of gorun's runner image: Debian with git, ssh and a C
# compiler, for cgo, -race and private modules. The slim one has none of these;
# `gorunctl image runner` makes it, without Docker.
#
#	docker build -t gorun .
#	docker run --rm -v "$PWD:/src" gorun .
#
# A release names both images by digest. GO may be any image with Go in
# /usr/local/go, the slim one too, which has no shell: with the release that
# the slim image holds, gorun becomes the same executable byte for byte.
#
# No RUN --mount and no heredocs: the classic builder does, too.

ARG GO=golang:1.27.4
ARG DEBIAN=debian:trixie-slim

FROM ${GO} AS build
ENV CGO_ENABLED=0 GOENV=off GOFLAGS= GOTOOLCHAIN=local GOWORK=off
WORKDIR /gorun
COPY go.mod go.sum ./
COPY cachekeys cachekeys
COPY cmd/gorun cmd/gorun
COPY container container
COPY internal internal
COPY runner runner
RUN ["/usr/local/go/bin/go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "/out/gorun", "./cmd/gorun"]

FROM ${DEBIAN}

# A base that has them all, as internal/runnerimage/debian.sh makes one, is
# left as it is.
RUN packages='ca-certificates gcc git libc6-dev openssh-client tzdata' \
 && if ! dpkg-query -W $packages >/dev/null 2>&1; then \
      apt-get update \
      && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages \
      && rm -rf /var/lib/apt/lists/*; \
    fi

# By the file /etc/gorun-image gorun knows its images: there it builds by itself
# and leaves root. Any user may keep caches and have a home. A workspace may belong to somebody
# else than who runs gorun (docker run --user): git is told that the two places
# where workspaces are mounted are meant. `*` would cover them, too, and every
# repository that a build puts anywhere else.
RUN install -d -m 1777 /cache /cache/go /cache/go-build /cache/gorun /cache/mod /home/gorun \
 && touch /etc/gorun-image \
 && ln -s gorun /usr/local/bin/gorun-action \
 && git config --system --add safe.directory /src \
 && git config --system --add safe.directory /github/workspace

COPY --from=build /usr/local/go /usr/local/go
COPY --from=build /out/gorun /usr/local/bin/gorun

ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GOTOOLCHAIN=local \
    HOME=/home/gorun \
    GOPATH=/cache/go \
    GOCACHE=/cache/go-build \
    GOMODCACHE=/cache/mod \
    GORUN_CACHE_DIR=/cache/gorun

WORKDIR /src
ENTRYPOINT ["gorun"]
