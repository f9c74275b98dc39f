# shellcheck shell=bash
# Required software: detected by its programs, installed as system packages.

# missing_packages THING...: prints the packages to install for those things that are missing.
missing_packages() {
  local need
  for need in "$@"; do
    case $need in
    compiler) command -v cc >/dev/null || echo gcc libc6-dev ;;
    postgres)
      compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ||
        echo postgresql
      ;;
    python) python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv ;;
    node) command -v npm >/dev/null || echo nodejs npm ;;
    shellcheck) command -v shellcheck >/dev/null || echo shellcheck ;;
    curl) command -v curl >/dev/null || echo curl ca-certificates ;;
    rabbitmq) [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || echo rabbitmq-server ;;
    esac
  done
}

# need THING...: installs what is missing of the things that missing_packages knows. Immediate if
# nothing is missing.
need() {
  local packages started
  need_cargo
  read -ra packages < <(missing_packages "$@" | tr '\n' ' ') || true
  ((${#packages[@]})) || return 0
  started=$(now_ms)
  log_step "installing ${packages[*]}"
  command -v apt-get >/dev/null || fail_packages "apt-get is missing" "${packages[@]}"
  ((!EUID)) || command -v sudo >/dev/null ||
    fail_packages "installing packages needs root or sudo" "${packages[@]}"
  install_packages "${packages[@]}"
  read -ra packages < <(missing_packages "$@" | tr '\n' ' ') || true
  ((!${#packages[@]})) || fail_packages "programs are still missing after the installation" "${packages[@]}"
  log_step "installed" "$started"
}

need_cargo() {
  command -v cargo >/dev/null && return
  [[ -x ${HOME:-}/.cargo/bin/cargo ]] && PATH=$HOME/.cargo/bin:$PATH && export PATH && return
  fail "cargo is missing" "install Rust with rustup, then run this command again"
}

# fail_packages WHY PACKAGE...: fails with instructions to install the packages by hand.
fail_packages() {
  local why=$1
  shift
  fail "$why" "install these packages: $*" \
    "(Debian, Ubuntu: apt-get install --no-install-recommends $*)" \
    "or set DATABASE_URL or AMQP_URL to use an existing PostgreSQL or RabbitMQ;" \
    "then run this command again"
}

as_root() {
  if ((EUID)); then sudo "$@"; else "$@"; fi
}

# apt_get ARGUMENT...: never prompts. RUNLEVEL=1 keeps sysvinit from starting the services.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 RUNLEVEL=1 \
    apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1 | sed 's/^/    /'
}

install_packages() {
  apt_get update || log_step "cannot update the package lists; using the existing ones"
  (
    trap unmask_services EXIT
    mask_services
    apt_get install --no-install-recommends "$@" || install_one_by_one "$@"
  )
}

# install_one_by_one PACKAGE...: tries each package, so that the error names the unavailable one.
install_one_by_one() {
  local package
  for package in "$@"; do
    apt_get install --no-install-recommends "$package" ||
      fail_packages "cannot install the package $package (see above)" "$package"
  done
}

# The packages would create a Postgres cluster and start system services, on the default ports and
# (RabbitMQ, epmd) on all addresses. We run private instances instead, so these stay disabled.
UNITS=(rabbitmq-server.service epmd.service epmd.socket)
masked=()
NO_CLUSTER=/etc/postgresql-common/createcluster.d/sluice.conf

systemd_runs() {
  [[ -d /run/systemd/system ]]
}

# Masks only units that are not installed yet: existing system services are left alone.
mask_services() {
  local unit
  as_root mkdir -p "${NO_CLUSTER%/*}"
  echo 'create_main_cluster = false' | as_root tee "$NO_CLUSTER" >/dev/null
  systemd_runs || return 0
  for unit in "${UNITS[@]}"; do
    systemctl cat "$unit" >/dev/null 2>&1 && continue
    as_root systemctl mask --quiet --runtime "$unit" && masked+=("$unit")
  done
}

unmask_services() {
  as_root rm -f "$NO_CLUSTER"
  systemd_runs && ((${#masked[@]})) || return 0
  as_root systemctl unmask --quiet --runtime "${masked[@]}" || true
  as_root systemctl disable --quiet "${masked[@]}" 2>/dev/null || true
}
