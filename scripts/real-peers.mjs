// The programs of Debian 12 that the interoperability tests speak to, and how they get here.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'

/** Program → Debian package. */
export const REAL_PEERS = {
  openssl: 'openssl',
  'myproxy-init': 'myproxy',
  'myproxy-logon': 'myproxy',
  'myproxy-info': 'myproxy',
  'myproxy-destroy': 'myproxy',
  'myproxy-server': 'myproxy-server',
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
  keytool: 'default-jre-headless',
}

/** Files that are no programs → Debian package. */
const REAL_FILES = {
  '/usr/lib/voms/libvomsmysql.so': 'voms-mysql-plugin',
  '/usr/include/stdlib.h': 'libc6-dev',
}

function isInstalled(program) {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
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
    ...Object.keys(REAL_FILES).filter((path) => !existsSync(path)),
  ]
}

export function packagesOf(missing) {
  return [...new Set(missing.map((name) => REAL_PEERS[name] ?? REAL_FILES[name]))].sort()
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
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages]
  spawnSync('apt-get', install, { env, stdio })
}
