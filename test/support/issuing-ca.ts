/** A certificate authority of the server, composed from files in a directory of the running test. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificateAuthority } from '../../src/myproxy/server/authority/certificate-authority.js'
import { parseServerConfig } from '../../src/myproxy/server/config/parse-server-config.js'
import { composeSettings } from '../../src/node/myproxy-server/compose-settings.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { Certificate } from '../../src/x509/certificate.js'
import { buildName } from '../../src/x509/name.js'
import { createRequest } from '../../src/x509/request.js'
import type { JournalEntry } from './embedded-myproxy.js'
import { FakeClock } from './fake-clock.js'
import { TestAuthority, type TestKeyKind, testKey, userName } from './pki.js'
import { writeCredentialPair } from './pki-files.js'
import { temporaryDirectory } from './temporary-directory.js'

/** For messages only: the text is never written down. */
export const CA_CONFIG_PATH = '/etc/ca.config'

export interface IssuingCa {
  directory: string
  issuer: TestAuthority
  clock: FakeClock
  log: JournalEntry[]
  at(name: string): string
  /** Writes a file, 0600, and returns its path. */
  write(name: string, text: string | Uint8Array): Promise<string>
  /** Writes a program, 0700: lines of `sh`. */
  program(name: string, lines: string): Promise<string>
  /**
   * The authority of a configuration: lines that are given, then certificate, key, serial file, map
   * and storage where those do not name them.
   */
  open(lines?: readonly string[]): Promise<CertificateAuthority | undefined>
  /** What `open` gives, which must be one. */
  authority(lines?: readonly string[]): Promise<CertificateAuthority>
}

export async function issuingCa(
  issuer = new TestAuthority({ name: userName('Online CA') }),
): Promise<IssuingCa> {
  const directory = await temporaryDirectory()
  const clock = new FakeClock()
  const log: JournalEntry[] = []
  const at = (name: string) => join(directory, name)
  const write = async (name: string, text: string | Uint8Array) => {
    await writeFile(at(name), text, { mode: 0o600 })
    return at(name)
  }
  const { privateKey, certificate } = issuer
  await writeCredentialPair(directory, 'ca', { privateKey, chain: [certificate] })
  await write('map', '"/DC=org/DC=example/OU=Users/CN=bob" bob\n"/CN=odd" odd,o..o,-x\n')
  await mkdir(at('store'))
  await write('serial', '01\n')
  const open: IssuingCa['open'] = async (lines = []) => {
    const named = new Set(lines.map((line) => line.split(' ')[0]))
    const usual = [
      `certificate_issuer_cert ${at('ca-cert.pem')}`,
      `certificate_issuer_key ${at('ca-key.pem')}`,
      `certificate_serialfile ${at('serial')}`,
      `certificate_mapfile ${at('map')}`,
    ].filter((line) => !named.has(line.split(' ')[0]))
    const wanted = named.has('certificate_issuer_program') ? usual.slice(2) : usual
    const text = [...lines, ...wanted].filter((line) => line.includes(' ')).join('\n')
    const { authority } = await composeSettings(
      parseServerConfig(Buffer.from(text), CA_CONFIG_PATH),
      {
        ...{ path: CA_CONFIG_PATH, files: nodeFiles, random: systemRandom, clock },
        ...{ uid: process.getuid?.() ?? 0, storageDirectory: at('store') },
        journal: {
          write: (level, event, message, fields = {}) =>
            void log.push({ level, event, message, fields }),
        },
      },
    )
    return authority
  }
  return {
    ...{ directory, issuer, clock, log, at, write, open },
    async program(name, lines) {
      const path = await write(name, `#!/bin/sh\n${lines}\n`)
      await chmod(path, 0o700)
      return path
    },
    async authority(lines) {
      const authority = await open(lines)
      if (authority === undefined) throw new Error('the configuration asks for no CA')
      return authority
    },
  }
}

export interface Asking {
  username?: string
  lifetimeSeconds?: number
  key?: TestKeyKind
  credentialName?: string
  passPhrase?: string
}

/** Asks for a certificate for a key of its own, as a client that is admitted. */
export async function ask(
  authority: CertificateAuthority,
  asking: Asking = {},
): Promise<Certificate[]> {
  const { key, username = 'bob', ...rest } = asking
  const { signal } = new AbortController()
  return authority.issue({
    username,
    subject: await authority.subjectOf(username, signal),
    certificationRequest: createRequest(testKey(key, 'asked'), buildName([['CN', 'ignored']])),
    lifetimeSeconds: 3600,
    passPhrase: '',
    client: '/CN=portal',
    signal,
    ...rest,
  })
}
