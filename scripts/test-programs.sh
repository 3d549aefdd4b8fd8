#!/bin/sh
# Installs the programs that the tests run: the real registry (Debian's docker-registry; openssl signs its tokens), and
# skopeo and umoci, which hold our reading of images against theirs, rpm and Berkeley DB's tools, which make databases,
# mandoc, zsh and fish, which read the manual page and the completions, and Chromium, which shows the HTML report.
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

# Any one will do. Where the distribution has none as a package, the others are installed all the same.
browser() {
    for program in chromium chromium-browser google-chrome chrome; do
        ! command -v "$program" >/dev/null 2>&1 || return 0
    done
    printf ' chromium'
}

registry=$(absent docker-registry openssl)
oracles=$(oracles)
browser=$(browser)
[ -n "$registry$oracles$browser" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
policy=/usr/sbin/policy-rc.d
guarded=

# The registry's package brings a service on port 5000. The tests start registries of their own, so it must neither
# start now (policy-rc.d, unless the machine has a policy) nor at the next boot (disable).
guard() {
    if [ -n "$registry" ] && apt_permitted && [ ! -e "$policy" ]; then
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
# shellcheck disable=SC2086  # lists of names
if [ -n "$registry" ] && apt_install $registry && command -v systemctl >/dev/null 2>&1; then
    $as_root systemctl disable docker-registry >/dev/null 2>&1 || true
fi
# shellcheck disable=SC2086
[ -z "$oracles" ] || apt_install $oracles || true
# shellcheck disable=SC2086
[ -z "$browser" ] || apt_install $browser || true

missing=$(absent docker-registry openssl)
lacking="$missing$(oracles)$(browser)"
[ -z "$lacking" ] ||
    echo "not installed:$lacking; to run the tests that need them: sudo apt-get install$lacking" >&2
[ -z "$missing" ] || [ "${SECPIPE_REQUIRE_REGISTRY:-}" != 1 ]
