import { copyFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { CredentialWatch } from '../../../../src/node/myproxy-server/credential-watch.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import type { Credential } from '../../../../src/proxy/credential.js'
import { rejectionOf } from '../../../support/failure.js'
import { TestAuthority } from '../../../support/pki.js'
import { writeCredentialPair } from '../../../support/pki-files.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'
import { days } from '../../../support/time.js'

const ca = new TestAuthority({ key: 'p256' })
const host = (daysLeft: number) =>
  ca.issueHost('localhost', {
    key: 'p256',
    notBefore: systemClock.now() - days(30),
    notAfter: systemClock.now() + days(daysLeft),
  })

/** A watch over a host's files, and what it tells. */
async function watched(first: Credential) {
  const directory = await temporaryDirectory()
  const files = await writeCredentialPair(directory, 'host', first)
  const [certificate, key] = [join(directory, 'cert'), join(directory, 'key')]
  symlinkSync(files.cert, certificate)
  symlinkSync(files.key, key)
  const lines: string[] = []
  const told: Credential[] = []
  const watch = new CredentialWatch({
    places: { certificate, key },
    journal: { write: (level, event) => void lines.push(`${level} ${event}`) },
    onCredential: (credential) => void told.push(credential),
    lookMs: 3_600_000,
  })
  onTestFinished(() => watch.close())
  const put = async (credential: Credential, which: ('cert' | 'key')[]) => {
    const made = await writeCredentialPair(directory, 'new', credential)
    for (const one of which) {
      rmSync(files[one])
      copyFileSync(made[one], files[one])
    }
    for (const path of Object.values(made)) rmSync(path)
  }
  return { watch, lines, told, put }
}

it('reads nothing anew while the files are the same', async () => {
  const { watch, lines, told } = await watched(host(90))
  await watch.start()
  await watch.look()
  await watch.look()
  expect([lines, told]).toEqual([['info credential-read'], []])
})

it('tells of a new pair behind the links, and not of a certificate whose key is not there yet', async () => {
  const { watch, lines, told, put } = await watched(host(90))
  await watch.start()
  const renewed = host(300)
  await put(renewed, ['cert'])
  await watch.look()
  await watch.look()
  expect([lines.slice(1), told]).toEqual([['error credential-unusable'], []])
  await put(renewed, ['key'])
  await watch.look()
  expect(lines.slice(2)).toEqual(['info credential-read'])
  expect(told.map(({ chain: [leaf] }) => leaf?.der)).toEqual([renewed.chain[0]?.der])
})

it('keeps what it has when the new one has expired, and refuses to begin with one', async () => {
  const { watch, lines, told, put } = await watched(host(90))
  await watch.start()
  await put(host(-1), ['cert', 'key'])
  await watch.look(true)
  expect([lines.slice(1), told]).toEqual([['error credential-unusable'], []])
  const error = await rejectionOf(watch.start())
  expect([error.code, error.data.identity]).toEqual([
    'CHAIN_EXPIRED',
    host(1).chain[0]?.subject.oneLine,
  ])
})

it('announces the end 13 days before, once a day, and not 15 days before', async () => {
  const soon = await watched(host(13))
  await soon.watch.start()
  await soon.watch.look()
  expect(soon.lines).toEqual(['info credential-read', 'warn credential-ending'])
  const later = await watched(host(15))
  await later.watch.start()
  await later.watch.look()
  expect(later.lines).toEqual(['info credential-read'])
})

it('says that it has expired when it has, at once and once a day, though its end was announced', async () => {
  const { watch, lines } = await watched(host(13))
  await watch.start()
  const end = systemClock.now() + days(13)
  const now = vi.spyOn(systemClock, 'now')
  onTestFinished(() => now.mockRestore())
  for (const seconds of [-3600, 0, 3600, 86_400]) {
    now.mockReturnValue(asUnixSeconds(end + seconds))
    await watch.look()
  }
  expect(lines.slice(2)).toEqual([
    'warn credential-ending',
    'error credential-expired',
    'error credential-expired',
  ])
})
