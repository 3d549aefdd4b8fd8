#!/bin/sh
# Installs the programs that the tests run: the real registry (Debian's docker-registry; openssl signs its tokens), and
# skopeo and umoci, which hold our reading of images against theirs, rpm and Berkeley DB's tools, which make databases,
# mandoc, zsh and fish, which read the manual page and the completions, Chromium, which shows the HTML report, and the
# servers of Redis and PostgreSQL, which keep what a fleet shares. The tests start every server themselves.
# Where that is not permitted, the tests that need them are skipped; with SECPIPE_REQUIRE_REGISTRY=1 a missing registry
# is an error.
set -eu
. scripts/apt.sh

# absent PROGRAM...: those that are not there, in front of each a blank. The packages have the programs' names.
absent() {
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 || printf ' %s' "$program"
    done
}

oracles() {
    absent skopeo umoci rpm mandoc zsh fish
    command -v db5.3_load >/dev/null 2>&1 || printf ' db5.3-util'
}

servers() {
    absent redis-server
    for program in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
        [ ! -x "$program" ] || return 0
    done
    printf ' postgresql'
}

# Any one will do. Where the distribution has none as a package, the others are installed all the same.
browser() {
    for program in chromium chromium-browser google-chrome chrome; do
        ! command -v "$program" >/dev/null 2>&1 || return 0
    done
    printf ' chromium'
}

registry=$(absent docker-registry openssl)
oracles=$(oracles)
servers=$(servers)
browser=$(browser)
[ -n "$registry$oracles$servers$browser" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
policy=/usr/sbin/policy-rc.d
guarded=

# The packages of the registry and of the servers bring services on well-known ports. The tests start their own, so these must neither
# start now (policy-rc.d, unless the machine has a policy) nor at the next boot (disable).
guard() {
    if [ -n "$registry$servers" ] && apt_permitted && [ ! -e "$policy" ]; then
        guarded=yes
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
        $as_root chmod 755 "$policy"
    fi
}

unguard() {
    [ -z "$guarded" ] || $as_root rm -f "$policy"
    guarded=
}

trap unguard EXIT
trap 'exit 130' INT TERM
guard
# not_at_boot SERVICE...
not_at_boot() {
    ! command -v systemctl >/dev/null 2>&1 || $as_root systemctl disable "$@" >/dev/null 2>&1 || true
}

# shellcheck disable=SC2086  # lists of names
if [ -n "$registry" ] && apt_install $registry; then
    not_at_boot docker-registry
fi
# shellcheck disable=SC2086
if [ -n "$servers" ] && apt_install $servers; then
    not_at_boot redis-server postgresql
fi
# shellcheck disable=SC2086
[ -z "$oracles" ] || apt_install $oracles || true
# shellcheck disable=SC2086
[ -z "$browser" ] || apt_install $browser || true

missing=$(absent docker-registry openssl)
lacking="$missing$(oracles)$(servers)$(browser)"
[ -z "$lacking" ] ||
    echo "not installed:$lacking; to run the tests that need them: sudo apt-get install$lacking" >&2
[ -z "$missing" ] || [ "${SECPIPE_REQUIRE_REGISTRY:-}" != 1 ]
