#!/bin/sh
# A backend for the driver "exec" in POSIX sh, with jq and openssl: directories that a web server shares (WebDAV), each with
# a file of users and their hashed passwords as Apache's AuthUserFile and nginx's auth_basic_user_file take it.
#
#   ROOT/instances/NAME/content    what the apps keep
#   ROOT/instances/NAME/htpasswd   a line LOGIN:HASH for each bind
#   ROOT/instances/NAME/plan       the plan's name
#   ROOT/retired/NAME              the same, locked away
#   ROOT/store                     the id of the broker's store that all of this belongs to
#
# Usage: backend.sh ROOT URL ACTION, the request on standard input. An operator makes ROOT with instances
# and retired in it; all three are the user's that runs this.
# Every action may come again after a crash, with the same request, and must then reach the same state.
set -eu
umask 027

root=$1 url=$2 action=$3

# Exit statuses that the driver knows; any other is final.
unknown=64 later=75

# fail STATUS SENTENCE: the user reads the sentence.
fail() {
  echo "$2" >&2
  exit "$1"
}

# From here on all is done below the directory as it was found: when a volume goes away meanwhile, nothing is made in its
# place, and what is not there any more does not pass for removed.
if ! cd "$root" 2>/dev/null || [ ! -d instances ] || [ ! -d retired ]; then
  fail $later "the directory $root is not there"
fi

# The request's texts, quoted by jq for this one use of eval.
request=$(cat)
store='' resource='' plan='' login='' parameters='' binds=''
texts=$(printf '%s' "$request" | jq -r '@sh "store=\(.store // "")
  resource=\(.instance.resource // "")
  plan=\(.plan.name // "")
  login=\(.bind.login // "")
  parameters=\((.bind // .instance // {}).parameters // {} | del(.deletion_protection, .env_prefix) | keys | join(", "))
  binds=\(.binds // [] | map(.login) | join(" "))"')
eval "$texts"
home=instances/$resource retired=retired/$resource

# The broker's own names are small letters, digits and _; one to adopt is an operator's.
case $resource in
*[!A-Za-z0-9_-]*) fail 1 "the name of the directory must be letters, digits, _ and -" ;;
esac

# Another broker must not work on what belongs to this one: the first request that changes something says whose store ROOT
# belongs to, and an operator who hands it over removes the file. (A copy of the store has its id; it is not told apart.)
case $store in
*[!0-9a-f]*) fail 1 "the id of the store is not one" ;;
'') ;;
*)
  case $action in
  check | observe | inspect | list) ;;
  *) (set -C && echo "$store" >store) 2>/dev/null || [ -f store ] || fail $later "the file $root/store cannot be made" ;;
  esac
  owner=$(cat store 2>/dev/null) || owner=$store
  [ "$owner" = "$store" ] ||
    fail $later "the directory $root belongs to the store $owner of a broker, and this is $store; remove $root/store to hand it over"
  ;;
esac

# replace FILE: takes its new content from the input; at no moment is there half of it.
replace() {
  cat >"$1.new"
  mv "$1.new" "$1"
}

require_home() {
  [ -d "$home/content" ] || fail 1 "the directory is lost"
}

# without LOGIN: the lines of the others.
without() {
  [ ! -f "$home/htpasswd" ] || awk -F: -v login="$1" '$1 != login' "$home/htpasswd"
}

has_login() {
  [ -f "$home/htpasswd" ] && awk -F: -v login="$1" '$1 == login { found = 1 } END { exit !found }' "$home/htpasswd"
}

# lines COMMAND ...: its lines as a JSON list.
lines() {
  "$@" | jq -R . | jq -sc .
}

list_names() {
  for directory in instances/*/ retired/*/; do
    [ ! -d "$directory" ] || basename "$directory"
  done
}

list_logins() {
  for file in instances/*/htpasswd retired/*/htpasswd; do
    [ ! -f "$file" ] || cut -d: -f1 "$file"
  done
}

# drift KIND TEXT
drift() {
  jq -nc --arg kind "$1" --arg text "$2" '{kind: $kind, text: $text}'
}

find_drift() {
  if [ ! -d "$home/content" ]; then
    drift lost "the directory is lost"
    return
  fi
  [ "$(cat "$home/plan" 2>/dev/null)" = "$plan" ] || drift instance "the directory does not have the plan $plan"
  for bound in $binds; do
    has_login "$bound" || drift bind "$bound"
  done
}

case $action in
check) ;;
provision | adopt)
  [ -z "$parameters" ] || fail 1 "there are no such parameters: $parameters"
  [ "$action" = provision ] || require_home
  mkdir -p "$home/content"
  : >>"$home/htpasswd"
  echo "$plan" | replace "$home/plan"
  ;;
update)
  require_home
  [ -z "$parameters" ] || fail 1 "there are no such parameters: $parameters"
  echo "$plan" | replace "$home/plan"
  ;;
deprovision)
  # The users first: nobody writes into what is being removed.
  rm -f "$home/htpasswd"
  rm -rf "$home" "$retired"
  ;;
bind)
  require_home
  [ -z "$parameters" ] || fail 1 "there are no such parameters: $parameters"
  # The password goes through pipes alone: arguments are there for everybody to see.
  password=$(printf '%s' "$request" | jq -r .bind.password)
  hash=$(printf '%s' "$password" | openssl passwd -6 -stdin)
  others=$(without "$login")
  printf '%s\n' "$others" "$login:$hash" | sed '/^$/d' | replace "$home/htpasswd"
  printf '%s' "$request" | jq --arg url "$url/$resource/" \
    '{variables: {FILES_URL: $url, FILES_USER: .bind.login, FILES_PASSWORD: .bind.password}}'
  ;;
unbind)
  if [ -d "$home" ]; then
    others=$(without "$login")
    printf '%s\n' "$others" | sed '/^$/d' | replace "$home/htpasswd"
  fi
  ;;
observe)
  require_home
  size=$(du -sk "$home/content" | cut -f1)
  count=$(find "$home/content" -type f | wc -l)
  jq -n --arg size "$size KiB" --arg files "$count" \
    '{items: [{label: "Size", value: $size}, {label: "Files", value: $files}]}'
  ;;
retire)
  [ -d "$retired" ] || mv "$home" "$retired"
  ;;
restore)
  [ -d "$home" ] || mv "$retired" "$home"
  ;;
inspect)
  find_drift | jq -sc '{drift: .}'
  ;;
list)
  printf '{"instances": %s, "logins": %s}\n' "$(lines list_names)" "$(lines list_logins)"
  ;;
*)
  fail $unknown "there is no action $action"
  ;;
esac
