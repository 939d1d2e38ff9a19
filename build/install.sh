# Sourced by the checks: installs Debian's packages where that is wanted.

may_install() { [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; } # where this is CI, and root

install() { # install PACKAGE...: nothing where it may not
  may_install || return 0
  { apt-get update && apt-get install --yes --no-install-recommends "$@"; } > /dev/null 2>&1
}
