# shellcheck shell=bash disable=SC2154,SC2034 # here is set by the script, state used by it
# Directories of this checkout, and builds.

root=$(realpath "$here/../..")
# Everything that runs in this checkout writes here; for stores.sh it is an instance directory.
state=$root/.local
# The caller's umask, for builds: open_instance sets a stricter one for our state.
umask=$(umask)

# target_dir: cargo's build directory; the environment may have moved it.
target_dir() {
  local dir=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-$root/target}}
  realpath -m "$dir"
}

# build ARGUMENT...: runs cargo build. Without DATABASE_URL, since otherwise sqlx would check the
# queries against that database.
build() {
  local started note=''
  started=$(now_ms)
  [[ -d $(target_dir) ]] || note=' (the first build takes some minutes)'
  log_step "building$note"
  # File descriptor 9 is our lock; a build server that cargo may start must not inherit it.
  (umask "$umask" && cd "$root" && env -u DATABASE_URL SQLX_OFFLINE=true cargo build --locked "$@" 9>&-) ||
    fail "the build failed"
  log_step "built" "$started"
}
