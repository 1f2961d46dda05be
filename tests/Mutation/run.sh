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

build() { # project
    dotnet build "$1" --nologo -v q -p:TreatWarningsAsErrors=false -p:RunAnalyzers=false >build.log 2>&1 || { tail -5 build.log; return 1; }
}

passes() { # project, class.test: passes, and at least one test ran
    timeout 300 dotnet test "$1" --nologo --no-build --filter "FullyQualifiedName~$2" >test.log 2>&1 && grep -q 'Passed!' test.log
}

# The defects lie in the engine alone, so only it is built anew and laid beside the tests.
rebuild() {
    build src/Litestream.Core && cp "$core" tests/Unit/bin/Debug/net10.0/ && cp "$core" tests/Property/bin/Debug/net10.0/
}

if [ $# -eq 0 ]; then
    set -- $(cd tests/Mutation && ls -- *.patch | sed 's/\.patch$//')
fi

build tests/Unit && build tests/Property || exit 1
for project in tests/Unit tests/Property; do
    tests=$(cd tests/Mutation && sed -n "s#^Caught by: $project #|FullyQualifiedName~#p" "${@/%/.patch}" | sort -u | tr -d '\n')
    if [ -n "$tests" ] && ! passes "$project" "${tests:20}"; then
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
    elif passes "$project" "$test"; then
        echo "SURVIVED  $name: $test passes with it"
    else
        echo "caught    $name: $test"
        caught=$((caught + 1))
    fi

    git apply -R "tests/Mutation/$name.patch"
done

echo "$caught of $# defects caught."
[ "$caught" -eq $# ]
