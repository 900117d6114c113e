# Sourced by the two commands of README.md: installs the Debian packages that the build needs and stops early,
# with a reason, where something is missing that it cannot install.

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "keis: '$*' must be run as root; install it or run this as root" >&2
        exit 1
    fi
}

if ! command -v cargo >/dev/null; then
    echo "keis: no cargo found; install a Rust toolchain (1.95 or newer) from rustup.rs" >&2
    exit 1
fi

# A C compiler links the programs and builds the assembly of one crate.
if ! command -v cc >/dev/null; then
    as_root apt-get update -q
    as_root apt-get install -q -y --no-install-recommends build-essential
fi
