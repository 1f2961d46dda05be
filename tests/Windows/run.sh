#!/usr/bin/env bash
# The product on Windows' file semantics: publishes host, writer and tests for win-x64 and runs them under Wine (Debian's wine64 and wine).
# Takes the names of the test projects to run; without them all three. Prints what passed, what failed, and by name what is not run and why. Ends by itself; exit code 0 only if all that ran has passed.
set -uo pipefail
cd "$(dirname "$0")/../.."
wine=${WINE:-/usr/lib/wine/wine64}
if [ ! -x "$wine" ]; then
    echo "Not run: Windows under Wine. $wine is not there; on Debian: apt-get install wine64 wine"
    exit 0
fi

work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEDEBUG=-all DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 POWERSHELL_TELEMETRY_OPTOUT=1
# Wine cannot map one piece of memory twice, as .NET does for the code that it makes; with it the runtime crashes there.
export DOTNET_EnableWriteXorExecute=0
# Under Wine 8 the runtime sometimes dies when it suspends a thread that is just ending ("SuspendThread failed with error 5"): few
# collections and threads that stay make that rare.
export DOTNET_GCgen0size=0x10000000 DOTNET_gcConcurrent=0 DOTNET_ThreadPool_ThreadTimeoutMs=-1
trap '"${wine}server" -k 2>/dev/null; wineserver -k 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$WINEPREFIX"
failed=0
projects=("$@")
[ $# -gt 0 ] || projects=(Unit Property PowerShell)

under_wine() { # seconds, program, arguments...
    timeout -k 10 "$1" "$wine" "${@:2}" 2> >(grep -v '^wine: ' >&2) </dev/null
}

step() { # name, command...
    echo "== Windows: $1"
    if "${@:2}"; then
        echo "== Windows: $1: passed"
    else
        failed=$((failed + 1))
        echo "== Windows: $1: FAILED"
    fi
}

publish() { # project, folder
    dotnet publish "$1" -c Release -r win-x64 --self-contained -o "$work/$2" -v q --nologo \
        -p:UseAppHost=true -p:ValidateExecutableReferencesMatchSelfContained=false </dev/null || return 1
    # Under Wine 8 the runtime hangs or dies where it looks up the lines of a stack trace.
    rm -f "$work/$2"/*.pdb
}

quickstart() {
    under_wine 300 "$work/host/Litestream.Host.exe" -File "Z:${PWD//\//\\}\\examples\\quickstart.ps1" -Folder 'C:\quickstart' \
        -Writer "Z:${work//\//\\}\\writer\\Litestream.Tests.EventWriter.exe"
}

test_program() { # project, arguments...
    LITESTREAM_TESTS_HOST="Z:${work//\//\\}\\host" under_wine 260 "$work/$1/Litestream.Tests.$1.exe" "${@:2}"
}

# Each class in a process of its own: where the runtime dies or hangs, as it does under Wine 8 at times, one class is lost. Then it is run
# once more, and what was printed at first is shown too.
tests() { # project
    local class failed_here=0
    test_program "$1" --classes all | tr -d '\r' >"$work/classes"
    if [ ! -s "$work/classes" ]; then
        echo "No tests were found."
        return 1
    fi

    while read -r class; do
        for attempt in first second; do
            test_program "$1" --class "$class" --limit 240 --without "Z:${PWD//\//\\}\\tests\\Windows\\not-run.txt" >"$work/printed" 2>&1
            local status=$?
            if [ "$status" -eq 0 ] || [ "$attempt" = second ]; then
                break
            fi

            grep -av '^ *at ' "$work/printed" | sed 's/^\(Passed\|Failed\)!/at first &/'
            echo "$class: exit code $status; once more"
        done
        cat "$work/printed"
        [ "$status" -eq 0 ] || failed_here=$((failed_here + 1))
    done <"$work/classes"
    [ "$failed_here" -eq 0 ]
}

# A replica made on either system restores on the other, byte for byte as on its own.
both_ways() {
    local here=$work/here.db there=$WINEPREFIX/drive_c/there.db restore='Restore-SqliteDatabase'
    dotnet run -c Release --project src/Litestream.Host -- -Command "$restore '$WINEPREFIX/drive_c/quickstart/replica' '$here'" </dev/null &&
        under_wine 120 "$work/host/Litestream.Host.exe" -Command "$restore C:\\quickstart\\replica C:\\there.db" &&
        cmp "$here" "$there" || return 1
    dotnet run -c Release --project src/Litestream.Host -- -Command \
        "Start-SqliteReplication '$here' '$work/replica' -Once; $restore '$work/replica' '$work/again.db'" </dev/null &&
        under_wine 120 "$work/host/Litestream.Host.exe" -Command "$restore 'Z:${work//\//\\}\\replica' C:\\again.db" &&
        cmp "$work/again.db" "$WINEPREFIX/drive_c/again.db"
}

# A console is what a pseudo-terminal gives to Wine. Nothing is sent for an hour but at the end: what arrives is the last sync's.
ctrl_c() {
    local write=("$work/writer/Litestream.Tests.EventWriter.exe" --database 'C:\ctrl.db' --commits 50) pid status
    local start='Start-SqliteReplication C:\ctrl.db C:\ctrl -SyncInterval 1h -Wait -Verbose'
    if ! timeout 10 script -qec true /dev/null </dev/null >/dev/null 2>&1; then
        echo "Not run: there is no pseudo-terminal here, or no program 'script' to make one."
        return 0
    fi

    under_wine 60 "${write[@]}" || return 1
    mkfifo "$work/keys" && exec 7<>"$work/keys"
    timeout -k 10 120 script -qfec "'$wine' '$work/host/Litestream.Host.exe' -NonInteractive -Command '$start'" /dev/null <&7 >"$work/console" 2>&1 &
    pid=$!
    for _ in $(seq 120); do
        grep -aq Streaming "$work/console" && break
        sleep 0.5
    done
    under_wine 60 "${write[@]}" || return 1
    printf '\003' >&7
    wait "$pid"
    status=$?
    exec 7>&-
    echo "The console host ended with $status."
    under_wine 60 "$work/host/Litestream.Host.exe" -Command 'if (-not (Test-SqliteReplica C:\ctrl C:\ctrl.db)) { exit 1 }'
}

step 'publish the host' publish src/Litestream.Host host
step 'publish the writer' publish tests/EventWriter writer
for project in "${projects[@]}"; do
    step "publish tests/$project" publish "tests/$project" "$project"
done
step quickstart quickstart
step 'Linux restores what Windows wrote and the other way round' both_ways
step 'Ctrl-C ends with a last sync' ctrl_c
for project in "${projects[@]}"; do
    step "tests/$project" tests "$project"
done

echo "Windows under Wine: $failed steps failed"
[ "$failed" -eq 0 ]
