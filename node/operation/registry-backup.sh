#!/bin/sh
# One backup of the registry's database, sound by the database's own check; older ones beyond KEEP go. Called by
# keis-registry-backup.service. The master key is never in it: it is kept apart, see backup.md.
# Settings, from /etc/keis/backup.env: KEIS_PORTAL, KEIS_REGISTRY_BACKUPS, KEIS_REGISTRY_KEEP, KEIS_REGISTRY_METRICS.
set -eu

home=${KEIS_PORTAL:-/var/lib/keis-portal/portal}
folder=${KEIS_REGISTRY_BACKUPS:-/var/backups/keis-portal}
# Personal data that are erased live on in backups: keep none longer than the time within which an erasure must be complete.
keep=${KEIS_REGISTRY_KEEP:-14}
metrics=${KEIS_REGISTRY_METRICS:-}
keis=${KEIS_BINARY:-keis}

case $keep in
'' | *[!0-9]* | 0)
    echo "registry-backup: KEIS_REGISTRY_KEEP must be a number from 1 on, not \"$keep\"" >&2
    exit 2
    ;;
esac
umask 077
[ -d "$folder" ] || { echo "registry-backup: $folder is missing" >&2; exit 1; }

database=$(sed -n 's/^database *= *"\(.*\)" *$/\1/p' "$home/portal.toml" | head -n 1)
stamp=$(date -u +%Y%m%dT%H%M%SZ)
case $database in
sqlite:*)
    file=${database#sqlite:}
    case $file in /*) ;; *) file=$home/$file ;; esac
    out=$folder/registry-$stamp.sqlite
    # A copy of the file would miss the log of writes beside it; VACUUM INTO is one consistent read, and the portal goes on.
    rm -f -- "$folder/registry.part"
    sqlite3 -cmd ".timeout 60000" "$file" "VACUUM INTO '$folder/registry.part'"
    told=$(sqlite3 -readonly "$folder/registry.part" "PRAGMA integrity_check")
    [ "$told" = ok ] || { echo "registry-backup: $folder/registry.part is not sound: $told" >&2; exit 1; }
    ;;
postgres://* | postgresql://*)
    out=$folder/registry-$stamp.dump
    pg_dump --format=custom --file="$folder/registry.part" --dbname="$database"
    pg_restore --list "$folder/registry.part" >/dev/null
    ;;
*)
    echo "registry-backup: $home/portal.toml names no database that is known here" >&2
    exit 1
    ;;
esac
# Whoever restores an older backup erases these persons again: ids alone, the newest list counts.
"$keis" registry erased --home "$home" >"$folder/erased.part"
mv -- "$folder/erased.part" "$folder/erased.list"
sync -- "$folder/registry.part"
mv -- "$folder/registry.part" "$out"
sync -- "$folder"
echo "$out"

# Names sort by time: the oldest come first.
set -- "$folder"/registry-????????T??????Z.*
while [ $# -gt "$keep" ]; do
    rm -f -- "$1"
    shift
done

if [ -n "$metrics" ]; then
    {
        echo "# TYPE keis_backup_last_success_timestamp_seconds gauge"
        echo "keis_backup_last_success_timestamp_seconds{of=\"registry\"} $(date +%s)"
    } >"$metrics.part"
    chmod 0644 "$metrics.part"
    mv -- "$metrics.part" "$metrics"
fi
