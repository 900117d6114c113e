#!/bin/sh
# Makes the Debian package of the `keis` binary, its units and the papers of operation, from Cargo's artefacts.
#   sh node/operation/debian/build.sh [--no-build] [FOLDER]      (the package appears in FOLDER, target/debian unless named)
# Needs dpkg-dev and binutils; Cargo unless --no-build. The same commit gives the same package.
set -eu

room=$(cd "$(dirname "$0")/.." && pwd)
root=$(cd "$room/../.." && pwd)
cd "$root"
build=yes
if [ "${1-}" = --no-build ]; then
    build=
    shift
fi
out=${1:-$root/target/debian}
binary=${KEIS_BINARY:-$root/target/release/keis}
[ -z "$build" ] || cargo build --release --locked --workspace --bin keis
[ -x "$binary" ] || {
    echo "build: $binary is missing" >&2
    exit 1
}

version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
mkdir -p "$out"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tree=$stage/keis
umask 022

install -D -m 0755 "$binary" "$tree/usr/bin/keis"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/keis"
for unit in "$room"/systemd/*; do
    install -D -m 0644 "$unit" "$tree/usr/lib/systemd/system/$(basename "$unit")"
done
for script in node-backup.sh registry-backup.sh rolling-restart.sh; do
    install -D -m 0755 "$room/$script" "$tree/usr/lib/keis/$script"
done
for name in node portal backup; do
    install -D -m 0640 "$room/debian/$name.env" "$tree/etc/keis/$name.env"
done
doc=$tree/usr/share/doc/keis
for paper in README.md backup.md runbook prometheus; do
    mkdir -p "$doc/operation"
    cp -R "$room/$paper" "$doc/operation/"
done
find "$doc" -type d -exec chmod 0755 {} +
find "$doc" -type f -exec chmod 0644 {} +
install -D -m 0644 "$room/debian/copyright" "$doc/copyright"
{
    echo "keis ($version) unstable; urgency=medium"
    echo
    echo "  * See the changelog of the sources."
    echo
    echo " -- KEIS operation <operation@keis.example>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.gz"
install -d "$tree/usr/share/man/man1"
sed "s/@VERSION@/$version/" "$room/debian/keis.1" | gzip -9n >"$tree/usr/share/man/man1/keis.1.gz"

# What the binary links with says which packages it needs.
mkdir "$stage/debian"
printf 'Source: keis\n\nPackage: keis\nArchitecture: any\n' >"$stage/debian/control"
libraries=$(cd "$stage" && dpkg-shlibdeps -O "$tree/usr/bin/keis" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
mkdir "$tree/DEBIAN"
size=$(du -sk --apparent-size "$tree" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@LIBRARIES@/$libraries/" -e "s/@SIZE@/$size/" \
    "$room/debian/control" >"$tree/DEBIAN/control"
for script in postinst prerm postrm; do
    install -m 0755 "$room/debian/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find etc -type f | sort | sed 's#^#/#') >"$tree/DEBIAN/conffiles"
(cd "$tree" && find usr -type f | LC_ALL=C sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
chmod 0644 "$tree/DEBIAN/conffiles" "$tree/DEBIAN/md5sums" "$tree/DEBIAN/control"

package=$out/keis_${version}_$architecture.deb
dpkg-deb --root-owner-group --build -Zxz -z1 "$tree" "$package" >/dev/null
echo "$package"
