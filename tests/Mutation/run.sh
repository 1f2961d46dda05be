#!/usr/bin/env bash
# Seeds each defect (*.patch) in a copy of the tree, builds it and runs the test that the patch names, which must fail.
# `tests/Mutation/run.sh` tries all; `tests/Mutation/run.sh merge-oldest-image plan-over-gap` these. Exit code 0 only if each was caught.
set -uo pipefail
cd "$(dirname "$0")/../.."
copy=$(mktemp -d "${TMPDIR:-/tmp}/litestream-mutation-XXXXXX")
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar --null -T - -cf - | tar -C "$copy" -xf -
cd "$copy"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
core=src/Litestream.Core/bin/Debug/net10.0/Litestream.Core.dll

build() { # project, options
    dotnet build "$@" --nologo -v q -p:TreatWarningsAsErrors=false -p:RunAnalyzers=false >build.log 2>&1 || { tail -5 build.log; return 1; }
}

# Says how the tests of a filter ended: "Passed", "Failed" (the first failure ends them), or nothing if none ran or they took too long.
verdict() { # project, filter
    local assembly
    assembly=$(echo "$1"/bin/Debug/net10.0/Litestream.Tests.*"${1##*/}".dll)
    timeout 600 dotnet test "$assembly" --nologo --filter "$2" -- xUnit.StopOnFail=true >test.log 2>&1
    sed -nE 's/^ *(Passed|Failed)! .*/\1/p' test.log
}

# The defects lie in the engine alone, so only it is built anew and laid beside the tests.
rebuild() {
    build src/Litestream.Core --no-restore --no-dependencies && cp "$core" tests/Unit/bin/Debug/net10.0/ && cp "$core" tests/Property/bin/Debug/net10.0/
}

if [ $# -eq 0 ]; then
    set -- $(cd tests/Mutation && ls -- *.patch | sed 's/\.patch$//')
fi

build tests/Unit && build tests/Property || exit 1
for project in tests/Unit tests/Property; do
    tests=$(cd tests/Mutation && sed -n "s#^Caught by: $project #|FullyQualifiedName~#p" "${@/%/.patch}" | sort -u | tr -d '\n')
    if [ -n "$tests" ] && [ "$(verdict "$project" "${tests:1}")" != Passed ]; then
        cat test.log
        echo "BROKEN    The tests in $project do not pass without a defect."
        exit 1
    fi
done

caught=0
for name in "$@"; do
    read -r project test < <(sed -n 's/^Caught by: //p' "tests/Mutation/$name.patch")
    if ! git apply "tests/Mutation/$name.patch" || ! rebuild; then
        echo "BROKEN    $name: it cannot be seeded or does not build"
    else
        case $(verdict "$project" "FullyQualifiedName~$test") in
            Failed)
                echo "caught    $name: $test"
                caught=$((caught + 1))
                ;;
            Passed) echo "SURVIVED  $name: $test passes with it" ;;
            *) echo "BROKEN    $name: $test has no answer: $(tail -1 test.log)" ;;
        esac
    fi

    git apply -R "tests/Mutation/$name.patch"
done

echo "$caught of $# defects caught."
[ "$caught" -eq $# ]
