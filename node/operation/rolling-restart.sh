#!/bin/sh
# Restarts the nodes of a list one after the other, and goes on only when the one before is ready, signs as before and stands as
# high as the others. Stops at the first that does not come back. README.md beside it tells how the list is written.
set -u

usage() {
    cat <<'TEXT'
Usage: rolling-restart.sh [--dry-run] [--wait SECONDS] [--lag BLOCKS] LIST

LIST has a line for each node: its name, the address of its gateway, and the command that restarts it, such as
  library http://10.0.2.1:8080 ssh operator@10.0.2.1 sudo systemctl restart keis-node
Empty lines and lines that begin with # are passed over.

  --dry-run   Look at all nodes and say what would be done
  --wait      Longest time until a node is back (300)
  --lag       Blocks by which a node may be behind the highest (1)

Exit code 0 when all are restarted; 1 when a node did not come back, or was not well before: nothing was done after it;
2 wrong usage.
TEXT
}

wait_seconds=300
lag=1
dry=
while [ $# -gt 0 ]; do
    case $1 in
    --dry-run) dry=yes ;;
    --wait | --lag)
        case ${2-} in
        '' | *[!0-9]*)
            echo "rolling-restart: $1 needs a number" >&2
            exit 2
            ;;
        esac
        if [ "$1" = --wait ]; then wait_seconds=$2; else lag=$2; fi
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*)
        echo "rolling-restart: $1 is not understood" >&2
        usage >&2
        exit 2
        ;;
    *) break ;;
    esac
    shift
done
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
    usage >&2
    exit 2
fi
command -v curl >/dev/null || {
    echo "rolling-restart: curl is missing" >&2
    exit 2
}

nodes=$(grep -Ev '^[[:space:]]*(#|$)' "$1")
if [ -z "$nodes" ]; then
    echo "rolling-restart: $1 lists no node" >&2
    exit 2
fi

say() {
    printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"
}

ask() {
    curl --silent --show-error --fail --max-time 5 --noproxy '*' "$1/v1/status" 2>/dev/null
}

# A number or word of a status. Of the fields that are asked for, each name occurs once in it.
field() {
    printf '%s' "$1" | sed -n "s/.*\"$2\":\"\\{0,1\\}\\([A-Za-z0-9_]*\\).*/\\1/p"
}

# The height of a node comes first in its status; those of a decided switch come later.
height() {
    printf '%s' "$1" | sed -n 's/^[^{]*{\(.*\)$/\1/p' | tr ',' '\n' | sed -n 's/^"height":\([0-9]*\)$/\1/p' | head -n 1
}

is_ready() {
    curl --silent --fail --max-time 5 --noproxy '*' --output /dev/null "$1/health/ready" 2>/dev/null
}

# The greatest height of all nodes but one.
highest_but() {
    highest=0
    while read -r name address _; do
        [ "$name" != "$1" ] || continue
        status=$(ask "$address") || continue
        here=$(height "$status")
        [ "${here:-0}" -le "$highest" ] || highest=$here
    done <<LIST
$nodes
LIST
    echo "$highest"
}

# Whether all nodes are well now.
all_well() {
    well=yes
    while read -r name address command; do
        if [ -z "$command" ]; then
            say "$name: the list has no command for it"
            well=
        elif ! status=$(ask "$address"); then
            say "$name: does not answer at $address"
            well=
        elif ! is_ready "$address"; then
            say "$name: is not ready"
            well=
        else
            say "$name: height $(height "$status"), signing $(field "$status" guard)"
        fi
    done <<LIST
$nodes
LIST
    [ -n "$well" ]
}

# Whether a node is back: ready, signing as before, as high as the others.
is_back() {
    is_ready "$2" || return 1
    status=$(ask "$2") || return 1
    [ "$3" != active ] || [ "$(field "$status" guard)" = active ] || return 1
    here=$(height "$status")
    [ "$((${here:-0} + lag))" -ge "$(highest_but "$1")" ]
}

restart() {
    before=$(field "$(ask "$2")" guard)
    say "$1: restarting"
    sh -c "$3" </dev/null || {
        say "$1: its command failed; nothing else was restarted"
        return 1
    }
    end=$(($(date +%s) + wait_seconds))
    # The old process may still answer for a moment.
    sleep 2
    until is_back "$1" "$2" "$before"; do
        if [ "$(date +%s)" -ge "$end" ]; then
            say "$1: not back within $wait_seconds s; nothing else was restarted"
            return 1
        fi
        sleep 1
    done
    say "$1: back at height $here, signing $(field "$status" guard)"
}

if ! all_well; then
    say "not all nodes are well: nothing was restarted"
    exit 1
fi
# The list is read beside the commands' own input, which ssh would take away.
while read -r name address command <&3; do
    if [ -n "$dry" ]; then
        say "$name: would run: $command"
    else
        restart "$name" "$address" "$command" || exit 1
    fi
done 3<<LIST
$nodes
LIST
[ -n "$dry" ] || say "all nodes are restarted"
