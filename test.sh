#!/usr/bin/env bash
# Runs every test: on a fresh Debian or Ubuntu with the .NET SDK it first installs, as root, what the tests run beside them; else it says
# what is left out. `./test.sh --windows [PROJECT...]` runs the part for Windows instead, under Wine.
set -uo pipefail
cd "$(dirname "$0")"

windows_only=false
case ${1:-} in
    '') ;;
    --windows) windows_only=true ;;
    *)
        echo "Usage: ./test.sh [--windows [PROJECT...]]" >&2
        exit 64
        ;;
esac

provide() { # what for, a program that the packages bring, packages...
    if command -v "$2" >/dev/null; then
        return
    fi

    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "Left out: $1. It needs ${*:3}, which root can install: apt-get install ${*:3}"
        return
    fi

    echo "Installing ${*:3}, for: $1"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:3}" >/dev/null ||
        echo "Left out: $1. ${*:3} could not be installed."
}

status=0
if $windows_only; then
    provide 'the product on Windows, under Wine' /usr/lib/wine/wine64 wine64 wine
    tests/Windows/run.sh "${@:2}" || status=1
else
    provide 'reading and writing by the real Litestream' sqlite3 sqlite3
    provide 'faults of system calls' strace strace
    provide "systemd's own check of a service's unit" systemd-analyze systemd
    provide 'power cuts' xfs_io xfsprogs
    provide 'S3, on Ceph'"'"'s gateway' radosgw radosgw ceph-mon ceph-osd ceph-common
    dotnet test Litestream.slnx --nologo || status=1
fi

exit $status
