#!/usr/bin/env bash
# Make and revoke the certificates of a district's broker, of its gates and of the programs that talk to them.
#
#   certificates.sh init               the district's own CA, and an empty list of revoked certificates
#   certificates.sh broker HOST...     the broker's certificate, for every name and address that gates call it by
#   certificates.sh client NAME...     one each for gates (NAME is site.id), receivers and senders; again: renews it
#   certificates.sh revoke NAME...     for a gate that was stolen or a key that was seen
#   certificates.sh list               who has one, until when
#
# Everything lies in one folder (--folder DIR, else ./antt-gate-ca). ca.key in it makes certificates that the broker
# believes: keep the folder on a machine that is neither the broker nor a gate, and keep a copy of it. Where a gate made
# its key itself, put its request there as NAME.csr; then no key is made here and none has to travel.
set -euo pipefail
umask 077

# A board without a clock battery may believe that it is years ago, and would call a fresh certificate not yet valid.
valid_from=20200101000000Z
ca_days=7300
certificate_days=3650
# A list that ran out locks everybody out.
revoked_days=7300

folder=antt-gate-ca

say() { printf '%s\n' "$*"; }
fail() {
    printf 'certificates.sh: %s\n' "$*" >&2
    exit 1
}

# openssl talks much where all is well; say it only where it fails.
quietly() {
    local said
    said=$("$@" 2>&1) || fail "$1 $2 failed: $said"
}

until_day() { date -u -d "+$1 days" +%Y%m%d%H%M%SZ; }

write_settings() {
    cat >"$folder/openssl.cnf" <<EOF
[ca]
default_ca = district
[district]
database = $folder/index.txt
serial = $folder/serial
new_certs_dir = $folder/issued
certificate = $folder/ca.pem
private_key = $folder/ca.key
default_md = sha256
policy = named
unique_subject = no
copy_extensions = none
[named]
commonName = supplied
[req]
distinguished_name = names
[names]
[of_ca]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[of_broker]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = ${1:-DNS:localhost}
[of_client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
EOF
}

ca() { quietly openssl ca -batch -notext -config "$folder/openssl.cnf" "$@"; }

make_key() { [[ -e $1 ]] || quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# Sign NAME.csr, or a request made for NAME.key, which is made where it does not exist.
sign() {
    local name=$1 section=$2 request=$folder/$1.csr
    if [[ ! -e $request ]]; then
        request=$folder/request
        make_key "$folder/$name.key"
        quietly openssl req -new -config "$folder/openssl.cnf" -key "$folder/$name.key" -subj "/CN=$name" \
            -out "$request"
    fi
    ca -in "$request" -subj "/CN=$name" -extensions "$section" -out "$folder/$name.pem" \
        -startdate "$valid_from" -enddate "$(until_day $certificate_days)"
    rm -f "$folder/request"
}

write_revoked() { ca -gencrl -crldays $revoked_days -out "$folder/revoked.pem"; }

init() {
    [[ ! -e $folder/ca.pem ]] || fail "$folder holds a CA already; give another --folder, nothing was changed"
    mkdir -p "$folder/issued"
    : >"$folder/index.txt"
    openssl rand -hex 16 >"$folder/serial"
    write_settings
    make_key "$folder/ca.key"
    local request=$folder/request
    quietly openssl req -new -config "$folder/openssl.cnf" -key "$folder/ca.key" -subj "/CN=antt-gate district CA" \
        -out "$request"
    ca -selfsign -keyfile "$folder/ca.key" -in "$request" -extensions of_ca -out "$folder/ca.pem" \
        -startdate "$valid_from" -enddate "$(until_day $ca_days)"
    rm -f "$request"
    write_revoked
    say "$folder/ca.pem     for the broker (cafile) and for every gate (mqtt.ca_file)"
    say "$folder/revoked.pem     for the broker (crlfile)"
}

broker() {
    local names=() host
    for host in "$@"; do
        if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then
            names+=("IP:$host")
        elif [[ $host =~ ^[A-Za-z0-9.-]+$ ]]; then
            names+=("DNS:$host")
        else
            fail "'$host' is neither a name nor an address"
        fi
    done
    local joined
    joined=$(IFS=, && printf '%s' "${names[*]}")
    write_settings "$joined"
    sign broker of_broker
    say "$folder/broker.pem, broker.key     for the broker (certfile, keyfile): ${names[*]}"
}

client() {
    local name
    for name in "$@"; do check_name "$name"; done
    for name in "$@"; do
        sign "$name" of_client
        if [[ -e $folder/$name.csr ]]; then
            say "$folder/$name.pem     for $name (mqtt.cert_file), which has the key already"
        else
            say "$folder/$name.pem, $name.key     for $name (a gate: mqtt.cert_file, mqtt.key_file)"
        fi
    done
}

# A name becomes a user name at the broker and a level of topics: a gate's is its site.id, and nothing else will do.
check_name() {
    [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,31}$ && $1 != broker && $1 != ca ]] ||
        fail "'$1' can't be a name: a-z, 0-9 and '-', at most 32, as site.id in gate.toml; not broker, not ca"
}

# The serial numbers of the certificates of a name that are in force.
serials_of() { awk -F'\t' -v name="/CN=$1" '$1 == "V" && $6 == name { print $4 }' "$folder/index.txt"; }

revoke() {
    local name serial serials
    for name in "$@"; do
        mapfile -t serials < <(serials_of "$name")
        ((${#serials[@]})) || fail "$name has no certificate in force; see: certificates.sh list"
        for serial in "${serials[@]}"; do ca -revoke "$folder/issued/$serial.pem"; done
        rm -f "$folder/$name.pem" "$folder/$name.key" "$folder/$name.csr"
        say "$name is revoked; its next certificate will have a new key"
    done
    write_revoked
    say "Copy $folder/revoked.pem to the broker, then restart it: it looks at the list when somebody connects."
}

list() {
    # openssl writes the year with two digits until 2049, then with four.
    awk -F'\t' '{ day = length($2) > 13 ? $2 : "20" $2
        printf "%-8s  %s-%s-%s  %s\n", $1 == "R" ? "revoked" : "in force",
            substr(day, 1, 4), substr(day, 5, 2), substr(day, 7, 2), substr($6, 5) }' "$folder/index.txt"
}

usage() { sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

main() {
    if [[ ${1:-} == --folder ]]; then
        folder=${2:-}
        [[ -n $folder ]] || fail "--folder needs a name; see --help"
        shift 2
    fi
    local what=${1:-}
    shift || true
    command -v openssl >/dev/null || fail "openssl is missing; install it: sudo apt-get install openssl"
    case $what in
        init | list) (($# == 0)) || fail "$what takes no name" ;;
        broker | client | revoke) (($#)) || fail "$what needs a name; see --help" ;;
        -h | --help)
            usage
            return
            ;;
        '') fail "say what to do: init, broker, client, revoke or list; see --help" ;;
        *) fail "unknown word '$what'; see --help" ;;
    esac
    [[ $what == init || -e $folder/ca.pem ]] || fail "there is no CA in $folder; make one: certificates.sh init"
    "$what" "$@"
}

main "$@"
