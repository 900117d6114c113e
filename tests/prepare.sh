# Sourced by tests/all.sh: installs what the tests judge with. A browser and its driver, a PostgreSQL server, poppler's readers
# of PDF, the tools that lay networks and cut their wires, Node.js with the packages of portal/tests/web and tests/web, Python with
# the libraries of tests/verifier, of the judges of doors and of the judge of e-invoices.
# Nothing is installed that is there.

missing=""
command -v chromedriver >/dev/null && command -v chromium >/dev/null || missing="$missing chromium chromium-driver"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$missing postgresql"
command -v npm >/dev/null || missing="$missing nodejs npm"
command -v pdftotext >/dev/null || missing="$missing poppler-utils"
for tool in ip nft; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null || missing="$missing iproute2 nftables"
done
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3 python3-venv"
if [ -n "$missing" ]; then
    as_root apt-get update -q
    # Word splitting makes the list of packages.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi
sh tests/web/prepare.sh
sh portal/tests/web/prepare.sh
sh tests/verifier/prepare.sh
sh tests/judges/prepare.sh
sh registry/einvoice/tests/judge/prepare.sh
