# What is style to a tool changes with its version: the project keeps to those of Debian 12. Sourced by the checks that run one.
# shellcheck shell=sh

# has_version TOOL VERSION: whether it is that one, "14" or "2.10"; a sentence says so when it is not.
has_version() {
  if "$1" --version | grep -qE "(^|[^0-9.])$2([^0-9]|\$)"; then
    return 0
  fi
  echo "$1 is not version $2, Debian 12's: what it looks for was not looked for" >&2
  return 1
}
