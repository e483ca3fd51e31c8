#!/usr/bin/env bash
# Builds, tests and shows Ambient. `./ambient.sh help` lists the verbs. Everything that touches the network happens in
# network, mount and process namespaces of its own, so that the kernel clears up whatever way this script ends.
set -uo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
state=$root/.build
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# The SDK needs no ICU this way, says nothing about itself, and no build server outlives the build.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

usage() {
    cat <<'END'
Usage: ./ambient.sh VERB [ARGUMENTS]

  demo [--for 10s] [--json]          a mesh of two nodes with real traffic, and a live table of it
  test [unit|mesh|kubernetes] [...]  build and test; further arguments go to the test runner (-class NAME, -method NAME)
                                     kubernetes: against the API server of KUBEBUILDER_ASSETS or AMBIENT_TEST_KUBECONFIG, else a fake
  bench [SCENARIO...] [--quick]      side by side with what a user could pick instead; bench --help lists the scenarios
  bench micro [...]                  benchmarks of single parts; further arguments go to BenchmarkDotNet
  bench controller [--nodes 100,...] what a cluster of 10,000 nodes and 1,000,000 endpoint addresses costs the controller
  build [aot]                        build everything that changed; aot: also what ships, compiled ahead of time
  ctl ARGUMENTS                      run ambientctl (ctl --help says more)
  manifests                          make daemonset.yaml, the Kustomize base and the CRDs anew of the chart (deploy/helm/ambient)
  image [--output FILE] [--programs] a container image of all programs, of Debian packages and without a registry;
                                     --programs: only lay them out for the Containerfile

Needs the .NET 10 SDK. As root, Debian packages that are missing are installed first. Exit status: 0 all went well,
1 something failed, 2 wrong usage or something is missing on this machine.

demo, test mesh and bench run a node's programs compiled ahead of time, as they ship, where the machine has a C linker.
AMBIENT_NODE_BUILD=jit spares that compiling (a minute), and runs what `build` leaves; =FOLDER runs the two that lie there.
END
}

leftovers=()                                    # files and folders of this run; also removed when a signal ends it
trap 'rm -rf -- "${leftovers[@]}"' EXIT

say() { printf '%s\n' "$*" >&2; }
give_up() { say "ambient.sh: $*"; exit 2; }

# ---- what the machine must have ---------------------------------------------------------------------------------------

find_sdk() {
    local candidate sdk
    for candidate in "$(command -v dotnet)" "${DOTNET_ROOT:-/nowhere}/dotnet" "${HOME:-/nowhere}/.dotnet/dotnet" \
        /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet /usr/local/share/dotnet/dotnet; do
        [[ -x $candidate ]] || continue
        sdk=$(cd / && "$candidate" --list-sdks 2>/dev/null | grep '^10\.' | tail -1) || continue
        dotnet=$candidate sdk_version=${sdk%% *}
        DOTNET_ROOT=${sdk#*[} && DOTNET_ROOT=${DOTNET_ROOT%/sdk]}   # "10.0.401 [/usr/share/dotnet/sdk]"
        export DOTNET_ROOT
        return
    done
    give_up "the .NET 10 SDK is missing. Install the package dotnet-sdk-10.0 (or set DOTNET_ROOT to where it is unpacked) and try again."
}

# command:package or file:package pairs, by what needs them
for_mesh=(nft:nftables ip:iproute2 unshare:util-linux setpriv:util-linux nsenter:util-linux)
for_tests=(nginx:nginx curl:curl redis-server:redis-server redis-benchmark:redis-tools openssl:openssl newuidmap:uidmap script:bsdutils
    pgbench:postgresql psql:postgresql-client sshd:openssh-server ssh:openssh-client iperf3:iperf3 socat:socat nghttpd:nghttp2-server h2load:nghttp2-client
    /usr/lib/cni/bridge:containernetworking-plugins containerd:containerd runc:runc)

for_aot=(objcopy:binutils /usr/include/stdlib.h:libc6-dev)           # and a linker: clang or gcc

for_bench=(haproxy:haproxy nginx:nginx /usr/lib/nginx/modules/ngx_stream_module.so:libnginx-mod-stream wrk:wrk iperf3:iperf3 ss:iproute2
    h2load:nghttp2-client redis-server:redis-server redis-benchmark:redis-tools pgbench:postgresql)

missing_packages() {
    local pair
    for pair in "$@"; do [[ $pair == /* && -e ${pair%%:*} ]] || command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair#*:}"; done | sort -u
    # NodeProxy speaks TLS through this library; ldconfig is not to be found on every machine.
    compgen -G '/usr/lib/*/libssl.so.3' >/dev/null || compgen -G '/usr/lib*/libssl.so.3' >/dev/null || echo libssl3
    # An SDK that was unpacked from an archive brings no roots to check the package registry by.
    built || compgen -G '/etc/ssl/certs/*.0' >/dev/null || [[ -e /etc/ssl/certs/ca-certificates.crt || -e /etc/pki/tls/certs/ca-bundle.crt ]] || echo ca-certificates
}

# need required|WITHOUT PAIR...: installs what is missing as root, names the command that does as anybody else. WITHOUT is what
# follows from going on without them.
need() {
    local demand=$1 packages
    shift
    mapfile -t packages < <(missing_packages "$@")
    [[ ${#packages[@]} -gt 0 ]] || return 0
    if ! command -v apt-get >/dev/null; then
        say "Missing, and this machine has no apt-get to install it with: ${packages[*]}"
    elif [[ $EUID -ne 0 ]]; then
        say "Missing Debian packages. This installs them:"
        say "    sudo apt-get install -y --no-install-recommends ${packages[*]}"
    elif install_packages "${packages[@]}"; then
        return 0
    fi
    [[ $demand == required ]] && exit 2
    say "Going on without: $demand"
    return 1
}

install_packages() (
    say "Installing missing Debian packages: $*"
    local log=$state/apt.log policy=/usr/sbin/policy-rc.d ours= result
    # Debian starts a daemon as soon as it is installed; this file says no to that, for this installation only (one that was killed
    # by force has left it behind).
    if [[ ! -e $policy ]] || grep -qs '^# ambient.sh, while' "$policy"; then
        ours=$policy
        printf '#!/bin/sh\n# ambient.sh, while it installs packages\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null
    result=$?
    if [[ $result -ne 0 ]]; then tail -20 "$log" >&2; say "Installing them failed; the whole output is in $log"; fi
    exit $result
)

# ---- building ---------------------------------------------------------------------------------------------------------

# Everything that can change the build, as names, times and sizes: 20 ms, where asking MSBuild takes 2 s. All of it, or folders and files.
fingerprint() {
    (cd -- "$root" && find "${@:-.}" \( -name bin -o -name obj -o -name .git -o -name .build -o -name docs -o -name TestResults \) -prune \
        -o -type f ! -name '*.md' ! -name '*.sh' -printf '%p %T@ %s\n' | LC_ALL=C sort | cksum; echo "$sdk_version")
}

built() { [[ -f $state/built && -x $root/Cli/bin/Release/net10.0/ambientctl && $(<"$state/built") == "$(fingerprint)" ]]; }

build() {
    find_sdk
    built && return
    mkdir -p "$state" 2>/dev/null
    [[ -w $state ]] || give_up "there is something to build, and $root cannot be written to by this user."
    local before began=$SECONDS
    exec 9>"$state/lock"
    flock 9                                     # a second run beside this one waits, then finds nothing to do
    before=$(fingerprint)
    if ! built; then
        need required
        leftovers+=("$(mktemp -d -t ambient-build.XXXXXX)")
        # The build ends with this script, also when that is killed.
        if ! TMPDIR=${leftovers[-1]} setpriv --pdeathsig KILL "$dotnet" build "$root/ambient.sln" -c Release -v q -nologo -p:UseSharedCompilation=false >"$state/build.log" 2>&1 </dev/null 9>&-; then
            grep -E '(error|warning) [A-Z]+[0-9]+' "$state/build.log" | sort -u | head -40 >&2 || tail -40 "$state/build.log" >&2
            say "The build failed; its whole output is in $state/build.log"
            exec 9>&-
            return 1
        fi
        printf '%s\n' "$before" >"$state/built"
        export AMBIENT_BUILD_SECONDS=$((SECONDS - began))
    fi
    # What the programs find there is current, or it is not there.
    aot_built || rm -f "$state/aot/"*
    exec 9>&-
}

aot_fingerprint() { fingerprint Directory.Build.props Directory.Build.targets Directory.Packages.props NodeProxy Redirector Cni Protocol Native; }

aot_built() {
    [[ -f $state/aot/built && -x $state/aot/ambient-node && -x $state/aot/ambient-redirector && -x $state/aot/ambient-cni && $(<"$state/aot/built") == "$(aot_fingerprint)" ]]
}

# A node's programs as they ship. Apart from `build`, in folders of its own, since it takes a minute and few need it at each change.
# Returns 1 if it failed, 3 if this machine cannot do it.
build_aot() {
    aot_built && return
    command -v clang >/dev/null || for_aot+=(gcc:gcc)
    need "a node's programs run compiled at run time (AMBIENT_NODE_BUILD=jit says so beforehand), not as they ship." "${for_aot[@]}" || return 3
    local before project program out=$state/publish work
    mkdir -p "$state/aot" && exec 9>"$state/lock" && flock 9 || return 1
    before=$(aot_fingerprint)
    if ! aot_built; then
        work=$(mktemp -d -t ambient-build.XXXXXX) && leftovers+=("$work")
        for project in NodeProxy Redirector Cni; do
            if ! TMPDIR=$work setpriv --pdeathsig KILL "$dotnet" publish "$root/$project/$project.csproj" -c Release --use-current-runtime -p:PublishAot=true \
                --artifacts-path "$out" -o "$out/$project" -v q -nologo -p:UseSharedCompilation=false >"$state/aot.log" 2>&1 </dev/null 9>&-; then
                exec 9>&-
                grep -E '(error|warning) [A-Z]+[0-9]+' "$state/aot.log" | sort -u | head -40 >&2 || tail -40 "$state/aot.log" >&2
                say "Compiling $project ahead of time failed, and it runs compiled at run time. The whole output is in $state/aot.log"
                # Without the compiler's package there is nothing wrong with the sources.
                grep -q 'error NU1[0-9]*' "$state/aot.log" && return 3
                return 1
            fi
        done
        for program in NodeProxy/ambient-node Redirector/ambient-redirector Cni/ambient-cni; do
            # The loader of a glibc before 2.36 refuses the relocations that they are linked with (Directory.Build.targets).
            "$out/$program" --help >"$state/aot.log" 2>&1 </dev/null 9>&- && cp "$out/$program" "$state/aot/" && continue
            exec 9>&-
            say "${program#*/}, compiled ahead of time, does not start: $(head -1 "$state/aot.log")"
            grep -q 'GLIBC_.* not found' "$state/aot.log" && return 3
            return 1
        done
        printf '%s\n' "$before" >"$state/aot/built" || return 1
    fi
    exec 9>&-
}

# For what runs a mesh: a node's programs as they ship, unless the caller chose other ones or this machine cannot make them.
build_node() {
    [[ -n ${AMBIENT_NODE_BUILD:-} && $AMBIENT_NODE_BUILD != aot ]] && return
    build_aot
    local result=$?
    [[ $result -eq 3 && ${AMBIENT_NODE_BUILD:-} != aot ]] || return $result
}

# ---- a network of one's own -------------------------------------------------------------------------------------------

# Runs a program of this checkout inside namespaces that end with it. setpriv lets the kernel kill unshare when this shell goes,
# even by kill -9; unshare has its child killed when itself goes; and that child is process 1, with which all others end.
isolated() {
    local flags=(--net --mount --pid --fork --kill-child --mount-proc)
    if [[ $EUID -ne 0 ]]; then
        flags+=(--user --map-root-user)
        # With further uids NodeProxy can have one of its own, as on a real node.
        unshare --user --map-root-user --map-auto true 2>/dev/null && flags+=(--map-auto)
    fi
    setpriv --pdeathsig KILL unshare "${flags[@]}" "${BASH:-bash}" "$root/ambient.sh" __inside "$@"
}

can_isolate() {
    local flags=(--net --mount --pid --fork --mount-proc)
    [[ $EUID -eq 0 ]] || flags+=(--user --map-root-user)
    why_not=$(unshare "${flags[@]}" mount -t tmpfs tmpfs /run 2>&1)
}

# Process 1 of the new namespaces. It stays, since a process 1 must collect the orphans, and bash does.
inside() {
    # The mesh's processes have users of their own, which may not enter a checkout or an SDK below /root, say: both get a second
    # place. They are found through descriptors, since the new /run may hide them.
    exec 7<"$root" 8<"$DOTNET_ROOT"
    local other=${AMBIENT_BENCH_NODE:-}         # another build of ambient-node, which the bench compares with ours
    [[ -z $other ]] || exec 6<"$(dirname -- "$other")" || exit 2
    mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/netns /run/tmp /run/ambient-checkout /run/ambient-dotnet && chmod 1777 /run/tmp \
        && mount --no-canonicalize --rbind /proc/self/fd/7 /run/ambient-checkout \
        && mount --no-canonicalize --rbind /proc/self/fd/8 /run/ambient-dotnet && ip link set lo up || exit 2
    if [[ -n $other ]]; then
        mkdir -p /run/ambient-other && mount --no-canonicalize --rbind /proc/self/fd/6 /run/ambient-other || exit 2
        export AMBIENT_BENCH_NODE=/run/ambient-other/${other##*/}
    fi
    exec 6<&- 7<&- 8<&-
    export TMPDIR=/run/tmp AMBIENT_ISOLATED=1 DOTNET_ROOT=/run/ambient-dotnet
    cd /run/ambient-checkout || exit 2
    trap : INT TERM HUP                         # they are for the command; this shell waits for it
    "/run/ambient-checkout${1#"$root"}" "${@:2}"
    local status=$?
    exit $status
}

# ---- verbs ------------------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0

# count NAME STATUS REPORT: adds a test program's result file; a program that crashed or ran nothing has failed
count() {
    local line p=0 f=0 s=0 e=0
    if line=$(grep -om1 '<assembly [^>]*' "$3" 2>/dev/null); then
        p=$(attribute passed "$line") f=$(attribute failed "$line") s=$(attribute skipped "$line") e=$(attribute errors "$line")
        f=$((f + e))
    fi
    if [[ $((p + f + s)) -eq 0 ]]; then say "$1: no test ran (exit status $2)."; f=1; fi
    if [[ $2 -ne 0 && $f -eq 0 ]]; then say "$1: the test program ended with exit status $2."; f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# retell REPORT: the failed tests of a result file in a few lines each, for who sees only the end of a long output
retell() {
    [[ -f $1 ]] || return
    sed 's/<test /\n&/g; s/<message>/\n&/g; s/<stack-trace>/\n&/g; s/<\/failure>/\n&/g' "$1" | awk '
        /^<test / { match($0, / name="[^"]*"/); name = substr($0, RSTART + 7, RLENGTH - 8) }
        /^<message>/ && ++tests <= 20 { print "FAILED " name; telling = 1; told = 0 }
        /^<\/failure>/ { telling = 0 }
        telling {
            gsub(/<!\[CDATA\[|\]\]>|<\/?(message|stack-trace)>/, "")
            if ((told < 6 || /\.cs:line [0-9]/) && told++ < 12) print "    " substr($0, 1, 240)
        }'
}

# Of the mesh's tests, those that run beside the rest: half of the time.
mesh_beside=(Bench Demo Lifecycle)

# run_tests REPORTS PART [ARGUMENTS]: runs a test program, or a part of one, and leaves PART.xml and PART.status in the folder. Labs share the
# machine's addresses, so one program runs one test of them at a time; but two programs can run side by side, each in namespaces of its own. Tests
# that measure time are marked and run before.
run_tests() {
    local reports=$1 part=$2 name program
    shift 2
    rm -f "$reports/$part."*
    program=(-noLogo -xml "$reports/$part.xml")
    [[ -t 1 ]] || program+=(-noColor)
    case $part in
        mesh-alone) program+=(-trait Runs=alone) ;;
        mesh-beside) program+=(-trait- Runs=alone); for name in "${mesh_beside[@]}"; do program+=(-namespace "Ambient.Tests.Mesh.$name"); done ;;
        mesh-rest) program+=(-trait- Runs=alone); for name in "${mesh_beside[@]}"; do program+=(-namespace- "Ambient.Tests.Mesh.$name"); done ;;
    esac
    case $part in
        unit)
            "$root/tests/Unit/bin/Release/net10.0/Ambient.Tests.Unit" "${program[@]}" "$@" ;;
        mesh*)
            program=("$root/tests/Mesh/bin/Release/net10.0/Ambient.Tests.Mesh" "${program[@]}" "$@")
            # Without namespaces the tests say so themselves, one by one, by being skipped.
            if can_isolate; then isolated "${program[@]}"; else AMBIENT_NOT_ISOLATED=$why_not "${program[@]}"; fi ;;
        kubernetes)
            program=("$root/tests/Kubernetes/bin/Release/net10.0/Ambient.Tests.Kubernetes" "${program[@]}" "$@")
            # A server that runs elsewhere cannot be reached from a network of our own.
            if [[ -n ${AMBIENT_TEST_KUBECONFIG:-} ]]; then why_not="the API server of AMBIENT_TEST_KUBECONFIG is outside of it"; fi
            if [[ -z ${AMBIENT_TEST_KUBECONFIG:-} ]] && can_isolate; then isolated "${program[@]}"; else AMBIENT_NOT_ISOLATED=$why_not "${program[@]}"; fi ;;
    esac
    echo $? >"$reports/$part.status"
}

attribute() { [[ $2 =~ [[:space:]]$1=\"([0-9]+)\" ]] && echo "${BASH_REMATCH[1]}" || echo 0; }

test_verb() {
    local kinds=() kind
    while [[ ${1:-} == unit || ${1:-} == mesh || ${1:-} == kubernetes ]]; do kinds+=("$1"); shift; done
    [[ ${#kinds[@]} -gt 0 ]] || kinds=(unit kubernetes mesh)
    mkdir -p "$state" 2>/dev/null
    reports=$(mktemp -d -p "$state" 2>/dev/null || mktemp -d -t ambient-reports.XXXXXX) || exit 2
    leftovers+=("$reports")
    find_sdk
    need "tests that need them will be skipped, with the reason." "${for_mesh[@]}" "${for_tests[@]}"
    if ! build; then failed=1; kinds=(); fi
    case " ${kinds[*]} " in *' mesh '*) build_node || failed=1 ;; esac

    local part parts=() lane=
    for kind in "${kinds[@]}"; do
        # With arguments somebody looks at some tests, and wants to see them.
        if [[ $# -eq 0 && $kind == mesh ]]; then parts+=(mesh-alone mesh-rest mesh-beside); else parts+=("$kind"); fi
    done
    # A test program takes a Ctrl-C for itself and ends; what would come after it does not begin then.
    local interrupted=
    trap 'interrupted=1' INT
    for part in "${parts[@]}"; do
        [[ -z $interrupted || -n $lane ]] || break
        case $part in
            mesh-rest)
                # Ends with this shell; and a program in the background would else never see a Ctrl-C, nor would those that its tests start.
                rm -f "$reports/mesh-beside."*
                env --default-signal=INT,QUIT setpriv --pdeathsig KILL "${BASH:-bash}" "$root/ambient.sh" __tests "$reports" mesh-beside >"$reports/beside.log" 2>&1 </dev/null &
                lane=$!
                run_tests "$reports" "$part" ;;
            mesh-beside)
                say "Waiting for what ran beside"
                while kill -0 "$lane" 2>/dev/null; do wait "$lane"; done    # which a Ctrl-C cuts short
                lane=
                cat "$reports/beside.log" ;;
            *) run_tests "$reports" "$part" "$@" ;;
        esac
        count "$part" "$(cat "$reports/$part.status" 2>/dev/null || echo 1)" "$reports/$part.xml"
    done
    trap - INT
    [[ -z $interrupted ]] || say "Interrupted: what had not begun has not run."
    if [[ $failed -gt 0 ]]; then for part in "${parts[@]}"; do retell "$reports/$part.xml"; done; fi
    printf '%d passed, %d failed' "$passed" "$failed"
    [[ $skipped -eq 0 ]] || printf ', %d skipped' "$skipped"
    printf '\n'
    [[ $failed -eq 0 && -z $interrupted ]]
}

demo_verb() {
    find_sdk
    mkdir -p "$state" 2>/dev/null
    case " $* " in *" --help "* | *" -h "*) ctl_verb demo --help; return ;; esac
    need required "${for_mesh[@]}"
    build || exit 1
    build_node
    can_isolate || give_up "this machine allows no network namespaces to $(id -un) (${why_not:-unshare failed}). Run it as root, or allow user namespaces (sysctl user.max_user_namespaces)."
    isolated "$root/Cli/bin/Release/net10.0/ambientctl" demo "$@"
}

bench_verb() {
    find_sdk
    mkdir -p "$state" 2>/dev/null
    if [[ ${1:-} == controller ]]; then
        shift
        build || exit 1
        ulimit -n "$(ulimit -Hn)"               # a connection a node, over loopback
        (cd -- "$root" && exec bench/Controller/bin/Release/net10.0/Ambient.Bench.Controller "$@")
        return
    fi
    case " $* " in *" --help "* | *" -h "*) build && exec "$root/bench/Rig/bin/Release/net10.0/Ambient.Bench.Rig" --help; exit 1 ;; esac
    if [[ ${1:-} == micro ]]; then
        shift
        build || exit 1
        (cd -- "$root" && exec bench/Micro/bin/Release/net10.0/Ambient.Bench.Micro "$@")
        return
    fi
    if [[ -n ${AMBIENT_BENCH_NODE:-} ]]; then
        [[ -x $AMBIENT_BENCH_NODE && ! -d $AMBIENT_BENCH_NODE ]] || give_up "AMBIENT_BENCH_NODE names no program: $AMBIENT_BENCH_NODE"
        AMBIENT_BENCH_NODE=$(realpath -- "$AMBIENT_BENCH_NODE") && export AMBIENT_BENCH_NODE
    fi
    local name arguments=()
    for name in AMBIENT_BENCH_HAPROXY AMBIENT_BENCH_ZTUNNEL; do         # the rig is started in another folder
        [[ -z ${!name:-} ]] || export "$name=$(realpath -m -- "${!name}")"
    done
    while [[ $# -gt 0 ]]; do
        case $1 in
            --results) arguments+=(--results "$(realpath -m -- "${2:-.}")"); shift ;;
            --results=*) arguments+=(--results "$(realpath -m -- "${1#--results=}")") ;;
            *) arguments+=("$1") ;;
        esac
        shift
    done
    set -- "${arguments[@]}"
    need required "${for_mesh[@]}"
    need "peers that need them take no part." "${for_bench[@]}"
    build || exit 1
    build_node || exit 1
    can_isolate || give_up "this machine allows no network namespaces to $(id -un) (${why_not:-unshare failed}). Run it as root, or allow user namespaces (sysctl user.max_user_namespaces)."
    ulimit -n "$(ulimit -Hn)"                   # the idle connections are held by the peers as well
    isolated "$root/bench/Rig/bin/Release/net10.0/Ambient.Bench.Rig" "$@"
}

ctl_verb() {
    build || exit 1
    "$root/Cli/bin/Release/net10.0/ambientctl" "$@"
}

manifests_verb() { build && "$root/Cli/bin/Release/net10.0/ambientctl" manifests; }

# The version that the chart says, which is the one in the name of the image.
image_name() { sed -n 's/^image: "\(.*\)"$/\1/p' "$root/deploy/helm/ambient/values.yaml"; }

image_verb() {
    local output=$state/ambient-image.tar only= project work epoch
    while [[ $# -gt 0 ]]; do
        case $1 in
            --output) output=${2:?--output takes a file}; shift 2 ;;
            --output=*) output=${1#*=}; shift ;;
            --programs) only=1; shift ;;
            *) say "ambient.sh: image takes --output FILE and --programs, not '$1'"; exit 2 ;;
        esac
    done
    find_sdk
    mkdir -p "$state" || exit 2
    [[ -n $only ]] || need required dpkg-deb:dpkg apt-cache:apt
    # In the image they are compiled ahead of time or not at all: another machine's libraries are not this one's.
    build_aot || give_up "a node's programs cannot be compiled ahead of time here."
    work=$(mktemp -d -t ambient-build.XXXXXX) && leftovers+=("$work")
    for project in Controller Cli; do
        say "Publishing $project"
        if ! TMPDIR=$work setpriv --pdeathsig KILL "$dotnet" publish "$root/$project/$project.csproj" -c Release --use-current-runtime --no-self-contained \
            --artifacts-path "$state/publish" -o "$work/$project" -v q -nologo -p:UseSharedCompilation=false >"$state/image.log" 2>&1 </dev/null; then
            grep -E '(error|warning) [A-Z]+[0-9]+' "$state/image.log" | sort -u | head -20 >&2 || tail -20 "$state/image.log" >&2
            give_up "publishing $project failed; the whole output is in $state/image.log"
        fi
    done
    "$root/deploy/image/make.sh" programs "$state/image/programs" "$work/Controller" "$work/Cli" "$state/aot" "$DOTNET_ROOT" || exit 1
    [[ -z $only ]] || { say "The programs lie in $state/image/programs"; return; }
    # So that the same sources and packages give the same bytes.
    epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}
    "$root/deploy/image/make.sh" archive "$state/image/programs" "$output" "$(image_name)" "$epoch" || exit 1
}

verb=${1:-help}
[[ $# -eq 0 ]] || shift
case $verb in
    build)
        build || exit 1
        case ${1:-} in
            '') ;;
            aot) build_aot || exit 1 ;;
            *) say "ambient.sh: build takes nothing or aot, not '$1'"; exit 2 ;;
        esac ;;
    test) test_verb "$@" ;;
    demo) demo_verb "$@" ;;
    bench) bench_verb "$@" ;;
    ctl) ctl_verb "$@" ;;
    manifests) manifests_verb ;;
    image) image_verb "$@" ;;
    help | -h | --help) usage ;;
    __inside) inside "$@" ;;
    __tests) find_sdk; run_tests "$@" ;;
    *) say "ambient.sh: unknown verb '$verb'"; usage >&2; exit 2 ;;
esac
