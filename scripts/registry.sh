#!/bin/sh
# Installs the real registry that the tests pull from (Debian's docker-registry; openssl signs its tokens).
# Where that is not permitted, the tests that need it are skipped, unless SECPIPE_REQUIRE_REGISTRY=1.
set -eu
. scripts/apt.sh

missing=
for program in docker-registry openssl; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
policy=/usr/sbin/policy-rc.d
guarded=

# The package brings a service on port 5000. The tests start registries of their own, so it must neither start
# now (policy-rc.d, unless the machine has a policy) nor at the next boot (disable).
guard() {
    if apt_permitted && [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
        $as_root chmod 755 "$policy"
        guarded=yes
    fi
}

unguard() {
    [ -z "$guarded" ] || $as_root rm -f "$policy"
    guarded=
}

trap unguard EXIT
trap 'exit 130' INT TERM
guard
# shellcheck disable=SC2086  # a list of names
if apt_install $missing; then
    if command -v systemctl >/dev/null 2>&1; then
        $as_root systemctl disable docker-registry >/dev/null 2>&1 || true
    fi
    exit 0
fi

echo "not installed:$missing; to run the tests against a real registry: sudo apt-get install$missing" >&2
[ "${SECPIPE_REQUIRE_REGISTRY:-}" != 1 ]
