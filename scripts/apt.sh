# shellcheck shell=sh
# Sourced by the others: installs Debian packages where that is permitted, without a question.

# apt_permitted: whether apt-get is here and may be used without a password.
apt_permitted() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

# apt_install PACKAGE...: the package lists are fetched only when the first try fails, as it does on a new machine.
apt_install() {
    apt_permitted || return 1
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
    echo "installing with apt-get: $*" >&2
    log=$(mktemp)
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120"
    if $apt install -y --no-install-recommends "$@" >"$log" 2>&1 ||
        { $apt update >>"$log" 2>&1; $apt install -y --no-install-recommends "$@" >>"$log" 2>&1; }; then
        rm -f "$log"
        return 0
    fi
    tail -n 5 "$log" >&2
    rm -f "$log"
    return 1
}
