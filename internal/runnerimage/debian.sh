#!/bin/sh
# Makes a Debian base for the Dockerfile where no registry can be reached:
#
#	internal/runnerimage/debian.sh base.tar
#	docker import base.tar gorun/debian
#	docker build --build-arg DEBIAN=gorun/debian …
#
# It needs mmdebstrap and, unless the system allows user namespaces, root. The
# release of Debian, the mirrors and how to reach them are this system's own,
# from apt's configuration; none of it is left in the base. SOURCE_DATE_EPOCH
# is the newest time that a file in the base has.
#
# The packages are those that the Dockerfile would install.
set -eu

out=${1:?usage: debian.sh FILE}
packages=ca-certificates,gcc,git,libc6-dev,openssh-client,tzdata

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Each file of sources that names a suite of this release; others are about
# programs that have nothing to do with the base.
. /etc/os-release
grep -lw -- "$VERSION_CODENAME" /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources >"$work/files" 2>/dev/null || true
set --
while read -r file; do
	set -- "$@" "$file"
done <"$work/files"
if [ $# -eq 0 ]; then
	echo "debian.sh: no file of apt's sources names $VERSION_CODENAME" >&2
	exit 1
fi

apt-config dump | grep -i '^Acquire::\(http\|https\|ftp\)::' >"$work/aptopt" || true

# A base that is not whole must not have its name.
mmdebstrap --quiet --variant=minbase --format=tar \
	--include="$packages" --aptopt="$work/aptopt" \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook='rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/hostname "$1"/etc/resolv.conf' \
	--customize-hook='rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
	"$VERSION_CODENAME" "$work/base.tar" "$@"

cp "$work/base.tar" "$out.part"
mv "$out.part" "$out"
