#!/usr/bin/env bash
# Starts Ceph's S3 gateway with the least below it: one monitor, one object store in memory, no manager, no authentication between them.
# Everything listens on 127.0.0.1 alone and ends by itself after half an hour. ceph-rgw.sh FOLDER GATEWAY-PORT MONITOR-PORT
set -euo pipefail
folder=$1 port=$2 monitor=$3
mkdir -p "$folder"/{mon,osd,run}
export CEPH_CONF=$folder/ceph.conf
cat >"$CEPH_CONF" <<END
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
run dir = $folder/run
admin socket = $folder/run/\$name.asok
log file = $folder/\$name.log
mon host = v2:127.0.0.1:$monitor
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv4 = true
auth cluster required = none
auth service required = none
auth client required = none
# With authentication off the gateway hangs in the secure mode.
ms mon client mode = crc
ms client mode = crc
ms cluster mode = crc
ms service mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 0
# Else each step of the start waits for a second.
paxos propose interval = 0.02
mon data = $folder/mon
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 6442450944
[client.rgw.x]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw zone = default
rgw enable usage log = false
rgw data log num shards = 1
rgw md log max shards = 1
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw enable apis = s3, admin
END

await() { # what, seconds, command...
    for _ in $(seq $(($2 * 10))); do
        if "${@:3}" >/dev/null 2>&1; then
            return
        fi
        sleep 0.1
    done
    echo "$1 has not come up in $2 s; see $folder" >&2
    exit 1
}

background() { # name, command...
    timeout -k 5 1800 "${@:2}" -c "$CEPH_CONF" -f </dev/null >"$folder/$1.out" 2>&1 &
    echo $! >>"$folder/run/pids"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port"); }
store_up() { timeout 10 ceph osd stat | grep -q '1 up'; }

monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CEPH_CONF")" --addv a "[v2:127.0.0.1:$monitor]" "$folder/monmap" >/dev/null
ceph-mon --mkfs -i a --monmap "$folder/monmap" >/dev/null 2>&1
background mon ceph-mon -i a
await 'the monitor' 60 timeout 10 ceph quorum_status
store=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$store" >/dev/null
ceph-osd -i 0 --mkfs --osd-uuid "$store" >/dev/null 2>&1
background osd ceph-osd -i 0
await 'the object store' 60 store_up
background rgw radosgw -n client.rgw.x
await 'the gateway' 90 answers
radosgw-admin -n client.rgw.x user create --uid=tests --display-name=tests --access-key=TESTS --secret-key=of-no-secret >/dev/null 2>&1
