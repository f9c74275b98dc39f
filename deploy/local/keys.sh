# shellcheck shell=bash disable=SC2154 # set by checkout.sh, services.sh and up.sh
# The keys that the processes share, two demo merchants with their API keys, and .local/sandbox.env,
# the file with everything that is needed to try the gateway.

# The database roles that log in, without their prefix.
ROLES=(api scheduler card refund webhook operator)

# make_keys: 32 random bytes each, and the roles' passwords, readable by this user only.
make_keys() {
  local role
  mkdir -p "$state/secrets/roles"
  for role in "${ROLES[@]}"; do
    secret "roles/sluice_$role.password" 24 >/dev/null
  done
  secret idempotency.key 32 >/dev/null
  secret webhook.key 32 >/dev/null
  mkdir -p "$state/secrets/card" "$state/sandbox"
}

# role_url ROLE: the database's URL with the login of sluice_ROLE.
role_url() {
  local authority=${database_url#*://} path
  path=/${authority#*/}
  authority=${authority%%/*}
  echo "${database_url%%://*}://sluice_$1:$(secret "roles/sluice_$1.password" 24)@${authority##*@}$path"
}

# sluice ARGUMENT...: the operator's command; migrates as the owner of the tables.
sluice() {
  local url=$database_url
  [[ $1 == migrate ]] || url=$(role_url operator)
  DATABASE_URL=$url SLUICE_ROLE_PASSWORDS_DIR=$state/secrets/roles \
    SLUICE_WEBHOOK_KEY_FILE=$state/secrets/webhook.key "$(target_dir)/release/sluice" "$@"
}

# field NAME JSON: prints a string of a flat JSON object; our keys need no JSON escapes.
field() {
  local value
  value=$(sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' <<<"$2")
  [[ -n $value ]] || fail "no $1 in the output of sluice merchant create"
  echo "$value"
}

# merchants_file: a file per database, because API keys are valid for one database only.
merchants_file() {
  local database
  if [[ -n ${DATABASE_URL:-} ]]; then
    database=$(printf '%s' "$DATABASE_URL" | sha256sum | cut -c1-16)
  else
    database=$(<"$state/secrets/cluster")
  fi
  echo "$state/secrets/merchants-$database.env"
}

create_merchants() {
  local file started first second
  file=$(merchants_file)
  [[ -s $file ]] && return
  started=$(now_ms)
  first=$(sluice merchant create --name 'Demo shop' --json)
  second=$(sluice merchant create --name 'Second shop' --json)
  {
    echo "SLUICE_TEST_KEY=$(field test_key "$first")"
    echo "SLUICE_TEST_KEY_2=$(field test_key "$second")"
    echo "SLUICE_LIVE_KEY=$(field live_key "$first")"
    echo "SLUICE_CLIENT_ID=$(field client_id "$first")"
    echo "SLUICE_CLIENT_SECRET=$(field client_secret "$first")"
    echo "SLUICE_WEBHOOK_SECRET=$(field webhook_secret "$first")"
  } >"$file.new"
  mv "$file.new" "$file"
  log_step "created two merchants" "$started"
}

# write_sandbox_env: written atomically, readable by this user only.
write_sandbox_env() {
  {
    echo "SLUICE_URL=http://$api_address"
    cat "$(merchants_file)"
    echo "SLUICE_DATABASE_URL=$(role_url operator)"
    echo "SLUICE_OWNER_DATABASE_URL=$database_url"
    echo "SLUICE_AMQP_URL=$amqp_url"
    echo "SLUICE_SANDBOX_URL=http://$sandbox_address"
    echo "SLUICE_WEBHOOK_KEY_FILE=$state/secrets/webhook.key"
    [[ -n ${AMQP_URL:-} ]] || echo "SLUICE_RABBITMQ_MANAGEMENT_URL=$(management_url)"
  } >"$state/sandbox.env.new"
  mv "$state/sandbox.env.new" "$state/sandbox.env"
}
