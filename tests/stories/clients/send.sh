#!/usr/bin/env bash
# Sends the request that stands in an .http file with curl: send.sh < FILE. Prints the answer's body
# and its status.
set -euo pipefail

read -r method url
options=()
while read -r header && [[ -n $header ]]; do options+=(-H "$header"); done
body=$(cat)
[[ -z $body ]] || options+=(-d "$body")
curl -sS -w '\n%{http_code}\n' -X "$method" "$url" "${options[@]}"
