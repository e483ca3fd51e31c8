#!/usr/bin/env bash
# Builds, tests, shows and asks Ambient. Thin: it finds what is needed, isolates what must leave nothing behind, and calls the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out="$here/.build"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DEBIAN_FRONTEND=noninteractive

usage() {
  cat <<'TEXT'
usage: ./ambient.sh VERB [ARGS]
  demo [--for 10s] [--json]   two nodes with three pods each, real redirection, live table
  test [unit|mesh]            every test; the last line is "N passed, N failed[, N skipped]"
  bench micro                 micro-benchmarks (the side-by-side rig comes later)
  build                       builds everything, quietly unless it fails
  ctl ARGS                    runs ambientctl
TEXT
}

fail() { printf 'ambient: %s\n' "$*" >&2; exit 2; }

need_dotnet() {
  command -v dotnet >/dev/null 2>&1 || fail "the .NET 10 SDK is missing: install it (package dotnet-sdk-10.0) and have 'dotnet' on the PATH"
  dotnet --list-sdks | grep -q '^10\.' || fail "the .NET SDK here is $(dotnet --version 2>/dev/null || echo unknown); version 10.0 is needed (package dotnet-sdk-10.0)"
}

# need COMMAND:PACKAGE...: installs what is missing as root, names the command otherwise.
need() {
  local missing=() pair
  for pair in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
  done
  ((${#missing[@]})) || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  if [ "$(id -u)" -ne 0 ]; then
    printf 'ambient: missing Debian packages. Install them with:\n  sudo apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
    exit 2
  fi
  command -v apt-get >/dev/null 2>&1 || fail "missing and no apt-get here to install it: ${missing[*]}"
  printf 'ambient: installing Debian packages: %s\n' "${missing[*]}" >&2
  mkdir -p "$out"
  # Daemons that a package brings must not start: the tests start their own.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$out/apt.log" 2>&1 ||
    { tail -n 20 "$out/apt.log" >&2; fail "the packages could not be installed (log: $out/apt.log)"; }
}

build() {
  need_dotnet
  mkdir -p "$out"
  # One build at a time in one tree; a second caller waits, then finds everything up to date.
  if ! (flock 9 && dotnet build "$here/ambient.sln" -c Release -v q -clp:NoSummary) 9>"$out/lock" >"$out/build.log" 2>&1; then
    cat "$out/build.log" >&2
    return 1
  fi
}

# isolated COMMAND...: in namespaces of its own, which the kernel clears away whatever happens to us.
isolated() {
  local flags=(--net --mount --pid --fork --kill-child=SIGKILL --mount-proc)
  [ "$(id -u)" -eq 0 ] || flags+=(--user --map-root-user)
  # The command is pid 1 of its namespace. It dies with unshare, and unshare dies with this shell.
  setpriv --pdeathsig KILL unshare "${flags[@]}" bash -c '
    mount -t tmpfs tmpfs /run && mkdir -p /run/netns && mount -t tmpfs tmpfs /tmp && ip link set lo up || exit 2
    exec "$@"' isolated "$@" &
  local child=$! status=0
  trap 'kill -TERM -- $(pgrep -P '"$child"' 2>/dev/null) 2>/dev/null || true' TERM INT
  while kill -0 "$child" 2>/dev/null; do wait "$child" && status=0 || status=$?; done
  trap - TERM INT
  return "$status"
}

passed=0 failed=0 skipped=0

# run_tests NAME COMMAND...: adds up the runner's own closing line; a runner that dies counts as a failure.
run_tests() {
  local name=$1 log="$out/test-$1.log" line status=0
  shift
  "$@" -noColor >"$log" 2>&1 || status=$?
  line=$(grep -E 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+' "$log" | tail -n 1) || true
  grep -E '^ +Ambient.*\[(FAIL|SKIP)\]' -A 12 "$log" || true
  if [[ $line =~ Total:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Failed:\ ([0-9]+),\ Skipped:\ ([0-9]+) ]]; then
    local bad=$((BASH_REMATCH[2] + BASH_REMATCH[3])) total=${BASH_REMATCH[1]} skip=${BASH_REMATCH[4]}
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    passed=$((passed + total - skip - BASH_REMATCH[3]))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
    printf '%s:%s\n' "$name" "${line#*"$name"}"
  else
    tail -n 30 "$log"
    printf '%s: the test run ended without a result (status %s)\n' "$name" "$status"
    failed=$((failed + 1))
  fi
}

tests() {
  local what=${1:-all}
  case $what in all | unit | mesh) ;; *) usage >&2; fail "there are no '$what' tests" ;; esac
  [ $# -le 1 ] || fail "test takes one word"
  local tools=(ip:iproute2 nft:nftables unshare:util-linux setpriv:util-linux pgrep:procps)
  [ "$what" = unit ] || tools+=(nginx:nginx redis-server:redis-server redis-benchmark:redis-tools curl:curl tcpdump:tcpdump conntrack:conntrack)
  need "${tools[@]}"
  if ! build; then
    printf '0 passed, 1 failed\n'
    exit 1
  fi
  if [ "$what" != mesh ]; then run_tests Unit "$here/tests/Unit/bin/Release/net10.0/Ambient.Tests.Unit"; fi
  if [ "$what" != unit ]; then run_tests Mesh isolated "$here/tests/Mesh/bin/Release/net10.0/Ambient.Tests.Mesh"; fi
  if [ "$skipped" -gt 0 ]; then printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  else printf '%d passed, %d failed\n' "$passed" "$failed"; fi
  [ "$failed" -eq 0 ]
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  build) build ;;
  test) tests "$@" ;;
  demo)
    need ip:iproute2 nft:nftables unshare:util-linux setpriv:util-linux pgrep:procps tcpdump:tcpdump
    build || exit 1
    isolated "$here/Cli/bin/Release/net10.0/ambientctl" demo "$@"
    ;;
  ctl)
    build || exit 1
    exec "$here/Cli/bin/Release/net10.0/ambientctl" "$@"
    ;;
  bench)
    [ "${1:-}" = micro ] || fail "only 'bench micro' exists; the side-by-side rig comes with the work on speed"
    shift
    build || exit 1
    exec "$here/bench/Micro/bin/Release/net10.0/Ambient.Bench.Micro" "$@"
    ;;
  "" | help | -h | --help) usage ;;
  *) usage >&2; fail "there is no verb '$verb'" ;;
esac
