# shellcheck shell=bash disable=SC2154,SC2034 # here is set by the script, state used by it
# Where things are in this checkout, and asking cargo for them.

root=$(realpath "$here/../..")
# The checkout's own state; stores.sh knows the same directory as its instance.
state=$root/.local
# The caller's: what cargo builds is nobody's secret, unlike our state.
umask=$(umask)

# target_dir: where cargo builds, if the environment moved it.
target_dir() {
  local dir=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-$root/target}}
  realpath -m "$dir"
}

# build ARGUMENT...: cargo's own progress is the progress; a database at hand must not make the
# build ask it about the queries.
build() {
  local started note=''
  started=$(now_ms)
  [[ -d $(target_dir) ]] || note=' (the first time takes some minutes)'
  said "building$note"
  # 9 is our lock; a build server that cargo may start must not hold it.
  (umask "$umask" && cd "$root" && env -u DATABASE_URL SQLX_OFFLINE=true cargo build --locked "$@" 9>&-) ||
    fail "the build failed"
  said "built" "$started"
}
