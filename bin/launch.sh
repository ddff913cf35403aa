# Starts $program with a clean environment; sourced by the launchers beside it, never run.
# shellcheck shell=sh disable=SC2154,SC3045
#
# What a caller's environment can make Node or the dynamic linker do must be decided before Node
# starts, hence in sh. Nothing here forks except where it must: service scripts call us in loops.

home=${self%/*}/..

# As root only what is needed survives, and programs are taken from system directories alone.
run_as_root() {
  find_node_for_root
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  set -- "$node" "$home/bin/load.cjs" "$program" "$@"
  for name in HOME USER LOGNAME LANG LC_ALL LC_CTYPE TZ TERM COLUMNS NO_COLOR \
    X509_USER_PROXY X509_USER_CERT X509_USER_KEY X509_CERT_DIR X509_VOMS_DIR VOMS_USERCONF \
    MYPROXY_SERVER MYPROXY_SERVER_PORT MYPROXY_SERVER_DN MYPROXY_KEYBITS GT_PROXY_MODE \
    VOBOX_PROXY_ROOT VOBOX_PROXY_CONFIG \
    NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID JOURNAL_STREAM INVOCATION_ID; do
    eval "value=\${$name-} present=\${$name+x}"
    [ -z "$present" ] || set -- "$name=$value" "$@"
  done
  exec env -i "PATH=$PATH" "$@"
}

run_as_user() {
  unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_DEBUG \
    NODE_DEBUG_NATIVE NODE_V8_COVERAGE NODE_REPL_EXTERNAL_MODULE NODE_PRESERVE_SYMLINKS \
    NODE_PRESERVE_SYMLINKS_MAIN NODE_REDIRECT_WARNINGS NODE_PENDING_DEPRECATION NODE_ICU_DATA \
    NODE_CHANNEL_FD NODE_UNIQUE_ID SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF OPENSSL_MODULES \
    OPENSSL_ENGINES GLIBC_TUNABLES LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW LD_BIND_NOT \
    LD_DEBUG LD_DEBUG_OUTPUT LD_DYNAMIC_WEAK LD_HWCAP_MASK LD_ORIGIN_PATH LD_POINTER_GUARD \
    LD_PREFER_MAP_32BIT_EXEC LD_PROFILE LD_PROFILE_OUTPUT LD_SHOW_AUXV LD_TRACE_LOADED_OBJECTS \
    LD_USE_LOAD_BIAS LD_VERBOSE LD_WARN LD_ASSUME_KERNEL
  find_node
  exec "$node" "$home/bin/load.cjs" "$program" "$@"
}

# The Node that came with the package, else the first one in a list of directories.
find_node() {
  node=$home/node/bin/node
  [ ! -x "$node" ] || return 0
  node=$(command -v node) || node=
  case $node in /*) return 0 ;; esac
  no_node
}

# The same for root, who runs what root alone can have put there, and asks no PATH of the caller's.
find_node_for_root() {
  refused=
  for place in "$home/node/bin" /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    [ -x "$place/node" ] || continue
    node=$(command -p readlink -f -- "$place/node") || continue
    # A link on the way may be somebody else's: where it leads is what is judged and run.
    case ${node##*/} in node*) root_alone_writes "$node" && return 0 ;; esac
    refused=$place/node
  done
  [ -z "$refused" ] || no_node "root does not run $refused: others can change it"
  no_node
}

# Whether root owns a file and every directory above it, and nobody else can write there. In a
# sticky one, such as /tmp, others cannot replace what is root's.
root_alone_writes() { # FILE, a path without links
  at=$1
  set --
  while [ -n "$at" ]; do
    set -- "$@" "$at"
    at=${at%/*}
  done
  facts=$(command -p stat -c '%u%A' -- / "$@") || return 1
  for each in $facts; do
    case $each in
      0?????-??-? | 0d????????[tT]) ;;
      *) return 1 ;;
    esac
  done
}

no_node() { # [WHY]
  echo "$program: ${1:-Node is not installed}" >&2
  echo "install Node 20 in /usr or /usr/local, or unpack it as $home/node" >&2
  exit 1
}

# The effective uid, without a process of its own; `test -O` and $UID are not everywhere.
effective_uid() {
  while read -r key _ uid _; do
    [ "$key" != Uid: ] || return 0
  done 2>/dev/null </proc/self/status
  uid=$(command -p id -u)
}

# No core dumps: our memory holds private keys.
ulimit -c 0 2>/dev/null || :

effective_uid
case $uid in
  0) run_as_root "$@" ;;
  *) run_as_user "$@" ;;
esac
