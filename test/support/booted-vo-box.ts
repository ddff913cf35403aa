/** What makes a VO-Box of a booted machine: CA files, the host's credential, and the package of this tree. */
import { copyFileSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import type { BootedMachine } from './booted-machine.js'
import { execFileSync } from './bounded.js'
import { NO_KEYS_IN_STOCK } from './clean-machine.js'
import { addProxy } from './pki.js'

/** How a package comes and goes: whatever else a machine does then is not ours, and slow. */
export const DPKG = 'dpkg --no-triggers --force-unsafe-io'

/** Where the VO admin's login proxy is. */
const LOGIN = '/var/tmp/login.pem'

export interface VoBoxParts {
  trustDirectory: string
  /** Of the VO-Box, as files. */
  host: { certificatePath: string; keyPath: string }
  /** Has a login proxy of an hour there. */
  user: Credential
}

/** The VO admin is `daemon`; nothing is set up or started. */
export function makeVoBox(machine: BootedMachine, parts: VoBoxParts): void {
  const { shared } = machine
  const words = ['scripts/package.mjs', '--no-build', '--fast', '--output', shared]
  execFileSync(process.execPath, words, {
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', SOURCE_DATE_EPOCH: '1790000000' },
  })
  const { trustDirectory, host, user } = parts
  const copy = { recursive: true, verbatimSymlinks: true }
  cpSync(trustDirectory, join(shared, 'certificates'), copy)
  copyFileSync(host.certificatePath, join(shared, 'hostcert.pem'))
  copyFileSync(host.keyPath, join(shared, 'hostkey.pem'))
  writeFileSync(join(shared, 'login.pem'), encodeCredential(addProxy(user, { hours: 1 })), {
    mode: 0o600,
  })
  machine.ok(`mkdir -p /etc/grid-security && cp -a /mnt/certificates /etc/grid-security/ &&
    install -m 0644 /mnt/hostcert.pem /etc/grid-security/ &&
    install -m 0400 /mnt/hostkey.pem /etc/grid-security/ &&
    chmod -R a+rX /etc/grid-security/certificates &&
    install -m 0600 -o daemon -g daemon /mnt/login.pem ${LOGIN}
    ${DPKG} -i /mnt/vobox-proxy_*.deb && ${NO_KEYS_IN_STOCK}`)
}

/** As the VO admin, with the login proxy and what else the environment is to have. */
export const asAdmin = (words: string, environment = '') =>
  'setpriv --reuid=daemon --regid=daemon --init-groups ' +
  `env X509_USER_PROXY=${LOGIN} ${environment} ${words}`
