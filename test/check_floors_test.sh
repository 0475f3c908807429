#!/bin/sh
# check_floors.sh must find what it is for: a header of a higher floor, a library away from its home, a circle, and twins of each kind.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
build=$scratch/build

mkdir -p "$scratch/src/base" "$scratch/src/http" "$scratch/include/base" "$build"

# plant FILE LINE ...
plant() {
  file=$scratch/$1
  shift
  printf '%s\n' "$@" >"$file"
}

# Compiles what compiles, as a build does.
compile() {
  find "$scratch/src" -name '*.c' | sort | while read -r file; do
    object=$(echo "${file#"$scratch/src/"}.o" | tr / -)
    cc -I "$scratch/src" -c -o "$build/$object" "$file" 2>"$build/errors" || continue
    printf '{"command": "cc -o %s -c %s", "file": "%s"}\n' "$object" "$file" "$file"
  done | jq -s . >"$build/compile_commands.json"
}

# refuses WHAT: the tree as it is, for a reason that says WHAT.
refuses() {
  compile
  if sh "$here/check_floors.sh" "$build" "$scratch" 2>"$scratch/reasons" || ! grep -qF -e "$1" "$scratch/reasons"; then
    echo "check_floors.sh did not refuse \"$1\"; it said:" >&2
    cat "$scratch/reasons" >&2
    exit 1
  fi
}

passes() {
  compile
  sh "$here/check_floors.sh" "$build" "$scratch"
}

plant src/http/good.c '#include "base/text.h"'
plant include/base/text.h ''
plant src/base/good.c 'void good(void);' 'void good(void)' '{' '}'
passes

plant src/base/bad.c '#include "http/http.h"'
refuses 'src/base/bad.c: includes http/http.h'
plant src/base/bad.c '#include "nowhere/http.h"'
refuses 'src/base/bad.c: includes nowhere/http.h'
rm "$scratch/src/base/bad.c"
plant src/http/bad.c '#include <lmdb.h>'
refuses 'src/http/bad.c: includes <lmdb'
rm "$scratch/src/http/bad.c"
plant include/base/bad.h '#include <yaml.h>'
refuses 'include/base/bad.h: includes <yaml'
rm "$scratch/include/base/bad.h"
passes

# calls FILE OWN OTHER: FILE has the function OWN, which calls OTHER of another file.
calls() {
  plant "$1" "void $2(void);" "void $3(void);" "void $2(void)" '{' "	$3();" '}'
}
calls src/base/one.c one two
calls src/base/two.c two one
passes # two may: they are one thing in two files
calls src/base/two.c two three
calls src/http/three.c three one
refuses 'by what they call: base/one -> base/two -> http/three -> base/one'
refuses '  http/three calls base/one: one'
# A table of functions is a way to call them.
plant src/http/three.c 'void one(void);' 'extern void (*const three[])(void);' 'void (*const three[])(void) = {one};'
plant src/base/two.c 'extern void (*const three[])(void);' 'void two(void);' 'void two(void)' '{' '	three[0]();' '}'
refuses 'by what they call: base/one -> base/two -> http/three -> base/one'
calls src/http/three.c three good
passes
# Pairs that hang together are a circle as well.
plant src/http/three.c 'void two(void);' 'void three(void);' 'void three(void)' '{' '	two();' '}'
plant src/base/two.c 'void one(void);' 'void two(void);' 'void three(void);' 'void two(void)' '{' '	one();' '	three();' '}'
refuses 'by what they call: base/one -> base/two -> http/three -> base/two -> base/one'
rm "$scratch"/src/*/one.c "$scratch"/src/*/two.c "$scratch"/src/*/three.c
passes

# Two of one name: the linker would take either.
plant src/http/twin.c 'void good(void);' 'void good(void)' '{' '}'
refuses 'good is defined in src/base/good.c and src/http/twin.c'
rm "$scratch/src/http/twin.c"
passes

# A reader would take either, too.
plant src/http/twin.c 'struct good {' '	int a;' '};'
plant src/base/twin.c 'static const struct good {' '	int b;' '} goods[1];'
refuses 'struct good is declared in src/base/twin.c and src/http/twin.c'
rm "$scratch/src/http/twin.c" "$scratch/src/base/twin.c"
passes

# A file with its header is one, whichever of the two it is.
plant src/base/one.h '#include "two.h"'
plant src/base/two.h ''
plant src/base/two.c '#include "base/three.h"'
plant include/base/three.h ''
passes
plant src/base/three.c '#include "base/one.h"'
refuses 'by what they include: base/one -> base/two -> base/three -> base/one'
refuses '  base/three includes base/one: base/one.h'
rm "$scratch"/src/base/one.h "$scratch"/src/base/two.* "$scratch"/src/base/three.c
passes

# Where nothing is compiled, nobody is seen to call.
find "$scratch/src" -name '*.c' -delete
refuses 'is no build of this tree'
