// The programs of Debian 12 that the interoperability tests speak to, and how they get here.
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Program → Debian package. */
export const REAL_PEERS = {
  openssl: 'openssl',
  'myproxy-init': 'myproxy',
  'myproxy-logon': 'myproxy',
  'myproxy-info': 'myproxy',
  'myproxy-destroy': 'myproxy',
  'myproxy-server': 'myproxy-server',
  'myproxy-admin-query': 'myproxy-admin',
  'grid-proxy-init': 'globus-proxy-utils',
  'grid-proxy-info': 'globus-proxy-utils',
  'voms-proxy-init2': 'voms-clients',
  'voms-proxy-info2': 'voms-clients',
  'voms-proxy-fake': 'voms-clients',
  'voms-proxy-init3': 'voms-clients-java',
  'voms-proxy-info3': 'voms-clients-java',
  arcproxy: 'nordugrid-arc-client',
  // The VOMS server and its database; the core packages of MariaDB start no service.
  voms: 'voms-server',
  mariadbd: 'mariadb-server-core',
  mariadb: 'mariadb-client-core',
  // Keep that server on loopback, and end it with its test.
  gcc: 'gcc',
  setpriv: 'util-linux',
  // A terminal to type pass phrases at.
  script: 'bsdutils',
  stty: 'coreutils',
  // Callers, shells to complete words in, and the way to syslog.
  perl: 'perl-base',
  zsh: 'zsh',
  logger: 'bsdutils',
  keytool: 'default-jre-headless',
  // What makes a service of the programs. Where systemd does not run, its own tools still judge units.
  'systemd-analyze': 'systemd',
  cron: 'cron',
  logrotate: 'logrotate',
  shellcheck: 'shellcheck',
  dash: 'dash',
  busybox: 'busybox',
  rpmbuild: 'rpm',
  // A file system with a cache of its own, as between two hosts.
  bindfs: 'bindfs',
}

/** Files that are no programs → Debian package. */
const REAL_FILES = {
  '/usr/lib/voms/libvomsmysql.so': 'voms-mysql-plugin',
  '/usr/include/stdlib.h': 'libc6-dev',
}

/** Programs whose package would start a service → that package: unpacked, not installed. */
const UNPACKED_PEERS = { promtool: 'prometheus' }

/** Where these are unpacked. */
const UNPACKED = join(import.meta.dirname, '..', 'node_modules', '.cache', 'real-peers')

function isInstalled(program) {
  const system = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  const directories = [...system, join(UNPACKED, 'usr', 'bin')]
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Programs, and files that they need, which are not here. */
export function missingPeers() {
  return [
    ...Object.keys(REAL_PEERS).filter((program) => !isInstalled(program)),
    ...Object.keys(UNPACKED_PEERS).filter((program) => !isInstalled(program)),
    ...Object.keys(REAL_FILES).filter((path) => !existsSync(path)),
  ]
}

export function packagesOf(missing) {
  const packages = { ...REAL_PEERS, ...REAL_FILES, ...UNPACKED_PEERS }
  return [...new Set(missing.map((name) => packages[name]))].sort()
}

/** Downloads packages into a directory of their own, and unpacks them. */
function unpack(names, env) {
  const directory = mkdtempSync(join(tmpdir(), 'vobox-peers-'))
  const stdio = ['ignore', 'ignore', 'inherit']
  spawnSync('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...names], {
    cwd: directory,
    env,
    stdio,
  })
  mkdirSync(UNPACKED, { recursive: true })
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.deb'))) {
    spawnSync('dpkg-deb', ['-x', join(directory, file), UNPACKED], { stdio })
  }
  rmSync(directory, { recursive: true, force: true })
}

/** Installs what is missing with apt when that can work: as root, on a machine that has apt-get. */
export function installPeers() {
  const missing = missingPeers()
  if (missing.length === 0 || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  const packages = packagesOf(missing)
  process.stderr.write(`Installing the real peers for the tests: ${packages.join(' ')} …\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const stdio = ['ignore', 'ignore', 'inherit']
  spawnSync('apt-get', ['update', '-qq'], { env, stdio })
  const unpacked = packages.filter((name) => Object.values(UNPACKED_PEERS).includes(name))
  const installed = packages.filter((name) => !unpacked.includes(name))
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...installed]
  if (installed.length > 0) spawnSync('apt-get', install, { env, stdio })
  if (unpacked.length > 0) unpack(unpacked, env)
}
