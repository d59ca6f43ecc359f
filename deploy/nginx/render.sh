#!/bin/sh
# Writes the nginx configuration for these settings to standard output; ends with 2 for one that is wrong.
#   REPLICAS           host:port of each, with spaces between (required)
#   BASE               the path that the app is served below, such as /headlight; empty: the root. The same as the app's
#                      STREAMLIT_SERVER_BASE_URL_PATH
#   LISTEN             the port, or address:port (8080)
#   FILE_MB            the app's HEADLIGHT_FILE_MB (64)
#   FRAME_ANCESTORS    whose pages may show Headlight in a frame, with spaces between ('self')
#   COOKIE_ATTRIBUTES  of the cookie that keeps people with their replica (SameSite=Lax)
#   CONNECTIONS        how many connections one address may have at once; empty: as many as it likes
#   TRUSTED_PROXIES    addresses or networks, with spaces between, whose X-Forwarded-For says where a person comes from
#   FOLDER             for nginx's own files (/tmp)
#   ACCESS_LOG, ERROR_LOG (/dev/stdout, /dev/stderr)
set -eu
template="$(dirname "$0")/headlight.conf.template"

wrong() {
    echo "render.sh: $1" >&2
    exit 2
}
# Nothing may end a directive, or mean something to nginx or sed.
plain() {
    case "$2" in
        *[!A-Za-z0-9\ ._:/=\;*\'-]*) wrong "$1 has a character that it may not have: $2" ;;
    esac
}

BASE="${BASE:-}"
BASE="${BASE%/}"
[ -z "$BASE" ] || BASE="/${BASE#/}"
LISTEN="${LISTEN:-8080}"
FILE_MB="${FILE_MB:-64}"
FRAME_ANCESTORS="${FRAME_ANCESTORS:-"'self'"}"
COOKIE_ATTRIBUTES="${COOKIE_ATTRIBUTES:-SameSite=Lax}"
CONNECTIONS="${CONNECTIONS:-}"
TRUSTED_PROXIES="${TRUSTED_PROXIES:-}"
FOLDER="${FOLDER:-/tmp}"
ACCESS_LOG="${ACCESS_LOG:-/dev/stdout}"
ERROR_LOG="${ERROR_LOG:-/dev/stderr}"
[ -n "${REPLICAS:-}" ] || wrong "REPLICAS is empty; give the host:port of each replica, with spaces between"
case "$FILE_MB" in *[!0-9]*) wrong "FILE_MB is $FILE_MB; it must be a whole number" ;; esac
case "$CONNECTIONS" in *[!0-9]*) wrong "CONNECTIONS is $CONNECTIONS; it must be a whole number, or empty" ;; esac
case "$BASE$LISTEN$FRAME_ANCESTORS$TRUSTED_PROXIES$FOLDER$REPLICAS" in *\;*) wrong "only COOKIE_ATTRIBUTES may have a semicolon" ;; esac
plain BASE "$BASE"
plain LISTEN "$LISTEN"
plain FRAME_ANCESTORS "$FRAME_ANCESTORS"
plain COOKIE_ATTRIBUTES "$COOKIE_ATTRIBUTES"
plain TRUSTED_PROXIES "$TRUSTED_PROXIES"
plain FOLDER "$FOLDER"
plain REPLICAS "$REPLICAS"
plain ACCESS_LOG "$ACCESS_LOG"
plain ERROR_LOG "$ERROR_LOG"

servers="" count=0
for replica in $REPLICAS; do
    # After one refusal a replica is left alone for ten seconds.
    servers="$servers        server $replica max_fails=1 fail_timeout=10s;\\
"
    count=$((count + 1))
done
servers="${servers%??}"
root=""
[ -z "$BASE" ] || root="        location = / { return 302 $BASE/; }\\
        location = $BASE { return 302 $BASE/; }\\
        location / { return 404; }\\
"
limits=""
for proxy in $TRUSTED_PROXIES; do
    limits="$limits        set_real_ip_from $proxy;\\
"
done
[ -z "$TRUSTED_PROXIES" ] || limits="$limits        real_ip_header X-Forwarded-For;\\
"
[ -z "$CONNECTIONS" ] || limits="$limits        limit_conn address $CONNECTIONS;\\
        limit_conn_status 429;\\
"
limits="${limits%??}"
# Streamlit's page has one inline script, allowed by its hash, styles of its own, a font in its style sheet, and counts in
# WebAssembly where it may; its components are blob: modules.
csp="default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='; style-src 'self' 'unsafe-inline'; \
img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'; \
frame-ancestors $FRAME_ANCESTORS"

sed -e "s|@LIMITS@|$limits|" -e "s|@SERVERS@|$servers|" -e "s|@ROOT@|$root|" -e "s|@CSP@|$csp|" -e "s|@BASE@|$BASE|g" \
    -e "s|@LISTEN@|$LISTEN|" -e "s|@FILE_MB@|$FILE_MB|" -e "s|@BODY_MB@|$((FILE_MB + 1))|" -e "s|@TRIES@|$count|" \
    -e "s|@COOKIE_ATTRIBUTES@|$COOKIE_ATTRIBUTES|" -e "s|@COOKIE@|headlight_replica|g" -e "s|@FOLDER@|$FOLDER|g" \
    -e "s|@ACCESS_LOG@|$ACCESS_LOG|" -e "s|@ERROR_LOG@|$ERROR_LOG|" "$template"
