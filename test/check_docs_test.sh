#!/bin/sh
# check_docs.py must find what it is for: files, places, names and links that are not there, floors that are not in the
# picture, and diagrams that the code does not follow.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$scratch/docs" "$scratch/src/queue"
cat >"$scratch/src/queue/job.c" <<'END'
static const unsigned moves[] = {
    [JOB_A] = IS(JOB_A) | IS(JOB_B), /* a reason */
    [JOB_B] = IS(JOB_C) |
              IS(JOB_A),
};

int job_later(void);

void job_move(struct job *job,
              enum job_state next)
{
}
END
fence=$(printf '\140\140\140')
good="\`src/queue/job.c:job_move\` and \`moves\`, \`job.c:moves\`, \`job_move\`, \`src/NAME\`, \`job_move(job, next)\`, [it](architecture.md#a)"
picture="$fence"'mermaid\nflowchart TB\n  a["queue"]\n'"$fence\n"
states="$fence"'mermaid\nstateDiagram-v2\n  %%%% moves of src/queue/job.c, JOB\n  [*] --> A\n  A --> A: once more\n  A --> B\n  B --> A\n'

# write TEXT, which is printf's format
write() {
  # shellcheck disable=SC2059
  printf "$1" >"$scratch/docs/architecture.md"
}
check() {
  /usr/bin/python3 "$here/check_docs.py" "$scratch" docs/architecture.md
}

# refuses WORDS TEXT: the check fails with these words
refuses() {
  write "$2"
  if said=$(check 2>&1) || [ "${said#*"$1"}" = "$said" ]; then
    echo "check_docs.py let pass: $2 (it said: $said)" >&2
    exit 1
  fi
}

write "$good\n$picture$states  B --> C\n$fence\n"
check
refuses 'there is no file src/queue/jobs.c' "\`src/queue/jobs.c:job_move\`\n"
refuses 'there is no file other.h' "\`other.h\`\n"
refuses 'defines no job_later' "\`src/queue/job.c:job_later\`\n"
refuses 'defines no job_later' "\`src/queue/job.c:job_move\`, \`job_later\`\n"
refuses 'nothing is called job_push' "\`job_push\`\n"
refuses 'nothing is called JOB_D' "\`JOB_D\`\n"
refuses 'there is no file other.md' "[it](other.md)\n"
refuses 'the floor queue is not' "$fence"'mermaid\nflowchart TB\n  a["store"]\n'"$fence\n"
refuses 'from B to C is allowed and not drawn' "$states$fence\n"
refuses 'from B to B is drawn and not allowed' "$states  B --> C\n  B --> B\n$fence\n"
refuses 'no table of moves' "$fence"'mermaid\nstateDiagram-v2\n  %%%% moves of src/queue/job.c, WORK\n'"$fence\n"
