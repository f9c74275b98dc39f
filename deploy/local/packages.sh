# shellcheck shell=bash
# What the machine must have: looked for as programs, installed as the system's packages.

# missing_packages THING...: the packages that bring what is not there.
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

# need compiler|postgres|rabbitmq|python|node|curl|shellcheck...: installs what is missing of it. Instant when nothing is.
need() {
  local packages started
  need_cargo
  read -ra packages < <(missing_packages "$@" | tr '\n' ' ') || true
  ((${#packages[@]})) || return 0
  started=$(now_ms)
  said "installing ${packages[*]}"
  command -v apt-get >/dev/null || refuse "this machine has no apt-get" "${packages[@]}"
  ((!EUID)) || command -v sudo >/dev/null ||
    refuse "installing needs root or sudo" "${packages[@]}"
  install_packages "${packages[@]}"
  read -ra packages < <(missing_packages "$@" | tr '\n' ' ') || true
  ((!${#packages[@]})) || refuse "still missing after the installation" "${packages[@]}"
  said "installed" "$started"
}

need_cargo() {
  command -v cargo >/dev/null && return
  [[ -x ${HOME:-}/.cargo/bin/cargo ]] && PATH=$HOME/.cargo/bin:$PATH && export PATH && return
  fail "cargo is missing" "install Rust with rustup, then run this again"
}

# refuse WHY PACKAGE...: what is wrong and what the reader can do about it.
refuse() {
  local why=$1
  shift
  fail "$why" "please install yourself: $*" \
    "(Debian, Ubuntu: apt-get install --no-install-recommends $*)" \
    "or, to do without PostgreSQL or RabbitMQ here, set DATABASE_URL or AMQP_URL to ones you have;" \
    "then run this again"
}

as_root() {
  if ((EUID)); then sudo "$@"; else "$@"; fi
}

# apt_get ARGUMENT...: asks nothing; RUNLEVEL keeps sysvinit from starting the services.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 RUNLEVEL=1 \
    apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1 | sed 's/^/    /'
}

install_packages() {
  apt_get update || said "the package lists could not be updated; trying with those at hand"
  (
    trap release_services EXIT
    hold_services
    apt_get install --no-install-recommends "$@" || install_one_by_one "$@"
  )
}

# install_one_by_one PACKAGE...: once more, to name the one that cannot be had.
install_one_by_one() {
  local package
  for package in "$@"; do
    apt_get install --no-install-recommends "$package" ||
      refuse "the package $package cannot be installed (see above)" "$package"
  done
}

# The packages would make a cluster and start services of their own, on the usual ports and, for
# RabbitMQ and epmd, on all addresses. We start private ones instead, so these stay off.
UNITS=(rabbitmq-server.service epmd.service epmd.socket)
held=()
NO_CLUSTER=/etc/postgresql-common/createcluster.d/sluice.conf

systemd_runs() {
  [[ -d /run/systemd/system ]]
}

# Only what is not installed yet is held: an existing system service is none of our business.
hold_services() {
  local unit
  as_root mkdir -p "${NO_CLUSTER%/*}"
  echo 'create_main_cluster = false' | as_root tee "$NO_CLUSTER" >/dev/null
  systemd_runs || return 0
  for unit in "${UNITS[@]}"; do
    systemctl cat "$unit" >/dev/null 2>&1 && continue
    as_root systemctl mask --quiet --runtime "$unit" && held+=("$unit")
  done
}

release_services() {
  as_root rm -f "$NO_CLUSTER"
  systemd_runs && ((${#held[@]})) || return 0
  as_root systemctl unmask --quiet --runtime "${held[@]}" || true
  as_root systemctl disable --quiet "${held[@]}" 2>/dev/null || true
}
