#!/bin/sh
# One backup of the node, proven readable by the command itself; older ones beyond KEEP go. Called by keis-node-backup.service.
# Settings, from /etc/keis/backup.env: KEIS_HOME, KEIS_BACKUPS, KEIS_KEEP, KEIS_METRICS.
set -eu

home=${KEIS_HOME:-/var/lib/keis/node}
folder=${KEIS_BACKUPS:-/var/backups/keis}
keep=${KEIS_KEEP:-14}
metrics=${KEIS_METRICS:-}
keis=${KEIS_BINARY:-keis}

case $keep in
'' | *[!0-9]* | 0)
    echo "node-backup: KEIS_KEEP must be a number from 1 on, not \"$keep\"" >&2
    exit 2
    ;;
esac
umask 077
[ -d "$folder" ] || { echo "node-backup: $folder is missing" >&2; exit 1; }

out=$folder/node-$(date -u +%Y%m%dT%H%M%SZ).keis
"$keis" node backup --home "$home" --out "$out"

# Names sort by time: the oldest come first.
set -- "$folder"/node-????????T??????Z.keis
while [ $# -gt "$keep" ]; do
    rm -f -- "$1"
    shift
done

if [ -n "$metrics" ]; then
    # For the textfile collector of the Prometheus node exporter; whole or not at all.
    {
        echo "# TYPE keis_backup_last_success_timestamp_seconds gauge"
        echo "keis_backup_last_success_timestamp_seconds{of=\"node\"} $(date +%s)"
    } >"$metrics.part"
    chmod 0644 "$metrics.part"
    mv -- "$metrics.part" "$metrics"
fi
